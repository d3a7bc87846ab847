"""Between the wire's messages and what the core takes and gives."""

from collections.abc import Sequence
from typing import Any

from google.protobuf.message import DecodeError
from grpc import StatusCode

from millrace.model_server import classification, wire
from millrace.model_server.core import Inference, Prediction
from millrace.model_server.errors import RequestError, invalid
from millrace.model_server.model_spec import ModelSpec
from udfs.client import tensors
from udfs.client.outcomes import VersionStatus


def decoded(message_class: Any, message: bytes) -> Any:
    """A message of a class.

    Raises:
        RequestError: the bytes are none.
    """
    try:
        return message_class.FromString(message)
    except DecodeError as error:
        raise RequestError(StatusCode.INTERNAL, "The request cannot be parsed.") from error


def encoded(response: Any) -> bytes:
    """A message's bytes."""
    message: bytes = response.SerializeToString()
    return message


def required_spec(request: Any) -> ModelSpec:
    """The model_spec of a request.

    Raises:
        RequestError: it has none.
    """
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    return spec_of(request.model_spec)


def spec_of(spec: Any) -> ModelSpec:
    """A ModelSpec message as a value."""
    version = spec.version.value if spec.HasField("version") else None
    return ModelSpec(spec.name, version, spec.version_label, spec.signature_name)


def examples_of(message: Any) -> Sequence[bytes]:
    """The serialised tf.Examples of an Input message, each with its context before it.

    A context is a tf.Example too; put before another one, protobuf merges the two.
    """
    if message.HasField("example_list_with_context"):
        context = message.example_list_with_context.context
        return [context + example for example in message.example_list_with_context.examples]
    return list(message.example_list.examples)


def predict_reply(answer: Prediction, *, as_content: bool) -> bytes:
    """A serialised PredictResponse that names the version and the signature that ran.

    Args:
        answer: what the core answered.
        as_content: True for `tensor_content`, False for the typed `*_val` fields.
    """
    response = wire.PredictResponse()
    _name(response.model_spec, answer.name, answer.version, answer.signature)
    encode = tensors.encode if as_content else tensors.encode_typed
    for alias, value in zip(answer.names, answer.values, strict=True):
        encode(value, response.outputs[alias])
    return encoded(response)


def classification_reply(answer: Inference) -> bytes:
    """A serialised ClassificationResponse."""
    response = wire.ClassificationResponse()
    _name(response.model_spec, answer.name, answer.version, answer.signature)
    _write_classes(answer.classes or (), response.result)
    return encoded(response)


def regression_reply(answer: Inference) -> bytes:
    """A serialised RegressionResponse."""
    response = wire.RegressionResponse()
    _name(response.model_spec, answer.name, answer.version, answer.signature)
    _write_values(answer.values or (), response.result)
    return encoded(response)


def multi_inference_reply(answers: Sequence[Inference]) -> bytes:
    """A serialised MultiInferenceResponse."""
    response = wire.MultiInferenceResponse()
    for answer in answers:
        result = response.results.add()
        _name(result.model_spec, answer.name, answer.version, answer.signature)
        if answer.values is not None:
            _write_values(answer.values, result.regression_result)
        else:
            _write_classes(answer.classes or (), result.classification_result)
    return encoded(response)


def statuses_reply(statuses: Sequence[VersionStatus]) -> bytes:
    """A serialised GetModelStatusResponse."""
    response = wire.GetModelStatusResponse()
    for status in statuses:
        item = response.model_version_status.add(version=status.version, state=status.state)
        item.status.error_code = status.error_code
        item.status.error_message = status.error_message
    return encoded(response)


def _name(spec: Any, name: str, version: int, signature: str) -> None:
    spec.name, spec.version.value, spec.signature_name = name, version, signature


def _write_classes(classes: classification.Classes, result: Any) -> None:
    result.SetInParent()
    for row in classes:
        item = result.classifications.add()
        for label, score in row:
            item.classes.add(label=label or b"", score=score or 0.0)


def _write_values(values: Sequence[float], result: Any) -> None:
    result.SetInParent()
    for value in values:
        result.regressions.add(value=value)
