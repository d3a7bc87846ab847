"""Requests as bytes, and replies as what they say."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from udfs.client import tensors, wire
from udfs.client.outcomes import (
    Answer,
    Failure,
    FailureReason,
    Outcome,
    VersionState,
    VersionStatus,
    bad_reply,
)


def predict_request(
    model_name: str,
    inputs: Mapping[str, NDArray[Any]],
    signature_name: str,
    version: int | None,
    version_label: str | None,
) -> bytes | Failure:
    """The request for predictions; a failure when it cannot be one."""
    request = wire.PredictRequest()
    try:
        _specify(request.model_spec, model_name, version, version_label)
        request.model_spec.signature_name = signature_name
        for name, array in inputs.items():
            tensors.encode(array, request.inputs[name])
        message: bytes = request.SerializeToString()
    except (TypeError, ValueError, UnicodeError) as error:
        return Failure(FailureReason.INVALID_REQUEST, f"model {model_name}: {error}")
    return message


def status_request(model_name: str, version: int | None) -> bytes | Failure:
    """The request for the states of a model's versions; a failure when it cannot be one."""
    request = wire.GetModelStatusRequest()
    try:
        _specify(request.model_spec, model_name, version, None)
        message: bytes = request.SerializeToString()
    except (TypeError, ValueError, UnicodeError) as error:
        return Failure(FailureReason.INVALID_REQUEST, f"model {model_name}: {error}")
    return message


def answer(reply: bytes, model_name: str, version: int | None, max_bytes: int) -> Outcome:
    """What a reply to a request for predictions says; it has to name the version asked for.

    Args:
        reply: the reply's bytes.
        model_name: the model that was asked.
        version: the version that was asked for, None when the server chose.
        max_bytes: the largest array that a few values may be spread over.
    """
    try:
        response = wire.PredictResponse.FromString(reply)
        outputs = {
            name: tensors.decode(tensor, max_bytes) for name, tensor in response.outputs.items()
        }
    except (DecodeError, ValueError) as error:
        return bad_reply(f"model {model_name}: {error}")
    spec = response.model_spec
    if not spec.HasField("version"):
        return bad_reply(f"model {model_name}: the reply does not name the version that answered")
    if version is not None and spec.version.value != version:
        return bad_reply(
            f"model {model_name}: version {spec.version.value} answered for version {version}",
            FailureReason.WRONG_VERSION,
        )
    return Answer(outputs, spec.name, spec.version.value, spec.signature_name)


def statuses(reply: bytes, model_name: str) -> list[VersionStatus] | Failure:
    """What a reply to a request for states says, newest version first."""
    try:
        response = wire.GetModelStatusResponse.FromString(reply)
        found = [
            VersionStatus(
                item.version,
                VersionState(item.state),
                item.status.error_code,
                item.status.error_message,
            )
            for item in response.model_version_status
        ]
    except (DecodeError, ValueError) as error:
        return bad_reply(f"model {model_name}: {error}")
    return sorted(found, key=lambda status: -status.version)


def _specify(spec: Any, name: str, version: int | None, label: str | None) -> None:
    if version is not None and label is not None:
        raise ValueError("a call names a version or a label, not both")
    spec.name = name
    if version is not None:
        spec.version.value = version
    if label is not None:
        spec.version_label = label
