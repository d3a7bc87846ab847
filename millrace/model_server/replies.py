"""What the core gives as the wire's replies."""

from collections.abc import Sequence
from typing import Any

from millrace.model_server import classification, wire
from millrace.model_server.core import Inference, Prediction
from millrace.model_server.requests import encoded
from udfs.client import tensors
from udfs.client.outcomes import VersionStatus


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
