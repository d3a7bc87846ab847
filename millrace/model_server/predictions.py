"""Predict: from a request to what is run, and from its outputs to the reply."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import grpc
from numpy.typing import NDArray

from millrace.model_server.errors import RequestError, invalid
from millrace.model_server.servable import Feeds, Signature
from millrace.model_server.wire import PredictResponse
from udfs.client import tensors

DEFAULT_SIGNATURE: Final = "serving_default"
_METHODS: Final = tuple(f"tensorflow/serving/{name}" for name in ("predict", "classify", "regress"))


@dataclass(frozen=True)
class Prediction:
    """What a request asks to be run.

    Attributes:
        signature_name: the signature, resolved.
        feeds: arrays by tensor name.
        outputs: tensor names by output name.
    """

    signature_name: str
    feeds: Feeds
    outputs: Mapping[str, str]


def prediction(
    request: Any, signatures: Mapping[str, Signature], max_tensor_bytes: int
) -> Prediction:
    """What a PredictRequest asks of a model with these signatures.

    Raises:
        RequestError: it does not fit the model, in TensorFlow Serving's words.
    """
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    signature = signatures.get(name)
    if signature is None:
        message = f'Serving signature key "{name}" not found.'
        raise RequestError(grpc.StatusCode.FAILED_PRECONDITION, message)
    if signature.method_name not in _METHODS:
        raise RequestError(
            grpc.StatusCode.INTERNAL,
            f"Expected prediction signature method_name to be one of {{{', '.join(_METHODS)}}}. "
            f"Was: {signature.method_name}",
        )
    _check_inputs(request.inputs, signature)
    feeds = [
        (tensor_name, _value(request.inputs, alias, signature, max_tensor_bytes))
        for alias, tensor_name in signature.inputs.items()
    ]
    return Prediction(name, feeds, _outputs(request.output_filter, signature))


def _check_inputs(sent: Mapping[str, Any], signature: Signature) -> None:
    if sent.keys() == signature.inputs.keys():
        return
    extra, missing = sent.keys() - signature.inputs.keys(), signature.inputs.keys() - sent.keys()
    more, fewer = len(sent) > len(signature.inputs), len(sent) < len(signature.inputs)
    if more or (fewer and not signature.defaults):
        raise invalid(
            f"input size does not match signature: {len(sent)}!={len(signature.inputs)} "
            f"len({_names(sent)}) != len({_names(signature.inputs)}). "
            f"Sent extra: {_names(extra)}. Missing but required: {_names(missing)}."
        )
    for alias in sorted(missing - signature.defaults.keys()):
        raise invalid(
            f"Signature input alias: {alias}(feed name: {signature.inputs[alias]}) not found in "
            f"request and no default value provided. Inputs expected to be in the request "
            f"{_names(sent)}, or default input alias set: {','.join(sorted(signature.defaults))}"
        )
    if extra:
        used = ",".join(sorted(sent.keys() - extra))
        raise invalid(
            f"Inputs contains invalid name. Used request inputs: {used}, "
            f"request input: {','.join(sorted(sent))}"
        )


def _names(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"


def _value(
    sent: Mapping[str, Any], alias: str, signature: Signature, max_bytes: int
) -> NDArray[Any]:
    if alias not in sent:
        return signature.defaults[alias]
    try:
        return tensors.decode(sent[alias], max_bytes)
    except ValueError as error:
        raise invalid(f"tensor parsing error: {alias}") from error


def _outputs(output_filter: Sequence[str], signature: Signature) -> Mapping[str, str]:
    if not output_filter:
        return signature.outputs
    chosen: dict[str, str] = {}
    for alias in output_filter:
        if alias not in signature.outputs:
            raise invalid(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in "
                f"the set {_names(signature.outputs)}."
            )
        if alias in chosen:
            raise invalid(f"duplicate output tensor alias: {alias}")
        chosen[alias] = signature.outputs[alias]
    return chosen


def reply(
    model_name: str,
    version: int,
    asked: Prediction,
    values: Sequence[NDArray[Any]],
    *,
    as_content: bool,
) -> bytes:
    """A serialised PredictResponse that names the version and the signature that ran.

    Args:
        model_name: as the request named it.
        version: the version that ran.
        asked: what was run.
        values: the outputs, in the order of `asked.outputs`.
        as_content: True for `tensor_content`, False for the typed `*_val` fields.
    """
    response = PredictResponse()
    spec = response.model_spec
    spec.name, spec.version.value, spec.signature_name = model_name, version, asked.signature_name
    encode = tensors.encode if as_content else tensors.encode_typed
    for alias, value in zip(asked.outputs, values, strict=True):
        encode(value, response.outputs[alias])
    message: bytes = response.SerializeToString()
    return message
