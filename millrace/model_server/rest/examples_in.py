"""The body of a `:classify` or `:regress` request: tf.Examples as JSON objects."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from millrace.model_server.errors import invalid
from millrace.model_server.rest.json_in import decode
from millrace.model_server.rest.json_scalars import double, from_base64, is_base64, raw_bytes
from millrace.model_server.rest.json_shown import shown, type_name
from millrace.model_server.rest.predict_in import signature_name
from udfs.client.schema import Fields, message_classes

_CONTEXT, _EXAMPLES = "context", "examples"
_INT64_END: Final = 2**63
_UINT64_END: Final = 2**64
_TABLES: Final[dict[str, Fields]] = {
    "BytesList": ((1, "value", "repeated bytes"),),
    "FloatList": ((1, "value", "repeated float"),),
    "Int64List": ((1, "value", "repeated int64"),),
    "Feature": (
        (1, "bytes_list", "BytesList"),
        (2, "float_list", "FloatList"),
        (3, "int64_list", "Int64List"),
    ),
    "Features": ((1, "feature", "map Feature"),),
    "Example": ((1, "features", "Features"),),
}
Example = message_classes("millrace.examples", _TABLES)["Example"]


def read_examples(body: bytes) -> tuple[str, Sequence[bytes]]:
    """Signature name, empty when none was sent, and the serialised tf.Examples of a body.

    Raises:
        RequestError: the body does not fit, in TensorFlow Serving's words.
    """
    document = decode(body)
    name = signature_name(document)
    context = _example(document[_CONTEXT]) if _CONTEXT in document else b""
    return name, [context + _example(value) for value in _listed(document)]


def _listed(document: Mapping[str, Any]) -> Sequence[Any]:
    if _EXAMPLES not in document:
        problem = "When method is classify, key 'examples' is expected and was not found"
    elif not isinstance(document[_EXAMPLES], list):
        problem = "Expecting 'examples' value to be an list/array"
    elif not document[_EXAMPLES]:
        problem = "'examples' value is an empty array"
    else:
        listed: Sequence[Any] = document[_EXAMPLES]
        return listed
    raise invalid(f"JSON Value: {shown(document)} {problem}")


def _example(value: object) -> bytes:
    if not isinstance(value, dict):
        raise invalid(f"Example must be JSON object but got JSON {type_name(value)}")
    example = Example()
    for name, content in value.items():
        feature = example.features.feature[name]
        for item in content if isinstance(content, list) else [content]:
            _add(item, name, feature)
    message: bytes = example.SerializeToString()
    return message


def _add(value: Any, name: str, feature: Any) -> None:
    field, content = _content(value, name)
    kind = next((one.name for one, _ in feature.ListFields()), field)
    if kind != field:
        # TensorFlow Serving names the kind that was there, not the one that came.
        raise invalid(
            f"Unexpected element type in feature: {name} expecting type: "
            f"{kind.removesuffix('_list')}"
        )
    getattr(feature, field).value.append(content)


def _content(value: Any, name: str) -> tuple[str, Any]:
    if isinstance(value, bool):
        return "int64_list", int(value)
    if isinstance(value, float):
        return "float_list", value
    if isinstance(value, int):
        return _integer(value, name)
    if isinstance(value, str):
        return "bytes_list", raw_bytes(value)
    if is_base64(value):
        return "bytes_list", from_base64(value)
    raise invalid(f"Feature: {name} has element with unexpected JSON type: {type_name(value)}")


def _integer(value: int, name: str) -> tuple[str, Any]:
    if -_INT64_END <= value < _INT64_END:
        return "int64_list", value
    if 0 <= value < _UINT64_END:
        raise invalid(f"Feature: {name} has uint64_t element. Only int64_t is supported.")
    # RapidJSON makes a double of an integer that no 64 bits hold.
    return "float_list", double(value)
