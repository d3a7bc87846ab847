"""Status and metadata of models as JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import grpc
from google.protobuf import json_format

from millrace.model_server import wire
from millrace.model_server.descriptions import type_name
from udfs.client.outcomes import VersionState, VersionStatus
from udfs.client.wire import TypedTensor

_CODES = {code.value[0]: code.name for code in grpc.StatusCode}
# Fields of a tensor that only resources, variants and eight-bit floats use.
_REST_OF_TENSOR: Mapping[str, Any] = {
    "version_number": 0,
    "resource_handle_val": [],
    "variant_val": [],
    "float8_val": "",
}


def statuses(found: Sequence[VersionStatus]) -> bytes:
    """The answer to a request for status."""
    items = [
        {
            "version": str(status.version),
            "state": VersionState(status.state).name,
            "status": {
                "error_code": _CODES.get(status.error_code, "UNKNOWN"),
                "error_message": status.error_message,
            },
        }
        for status in found
    ]
    return _text({"model_version_status": items})


def metadata(name: str, version: int, signature_def_map: bytes) -> bytes:
    """The answer to a request for metadata.

    Args:
        name: the model.
        version: the version that the signatures are of.
        signature_def_map: a serialised SignatureDefMap.
    """
    signatures = wire.SignatureDefMap.FromString(signature_def_map).signature_def
    found = {name: _signature(signature) for name, signature in signatures.items()}
    return _text(
        {
            "model_spec": {"name": name, "signature_name": "", "version": str(version)},
            "metadata": {"signature_def": {"signature_def": found}},
        }
    )


def _signature(signature: Any) -> dict[str, Any]:
    return {
        "inputs": {name: _tensor_info(info) for name, info in signature.inputs.items()},
        "outputs": {name: _tensor_info(info) for name, info in signature.outputs.items()},
        "method_name": signature.method_name,
        "defaults": {name: _tensor(value) for name, value in signature.defaults.items()},
    }


def _tensor_info(info: Any) -> dict[str, Any]:
    return {
        "dtype": type_name(info.dtype),
        "tensor_shape": _shape(info.tensor_shape),
        "name": info.name,
    }


def _shape(shape: Any) -> dict[str, Any]:
    dims = [{"size": str(dim.size), "name": ""} for dim in shape.dim]
    return {"dim": dims, "unknown_rank": shape.unknown_rank}


def _tensor(tensor: Any) -> dict[str, Any]:
    found: dict[str, Any] = json_format.MessageToDict(
        TypedTensor.FromString(tensor.SerializeToString()),
        always_print_fields_with_no_presence=True,
        preserving_proto_field_name=True,
    )
    shape = _shape(tensor.tensor_shape)
    return {**found, **_REST_OF_TENSOR, "dtype": type_name(tensor.dtype), "tensor_shape": shape}


def _text(value: Mapping[str, Any]) -> bytes:
    # Protobuf's layout: one blank a level.
    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "surrogateescape")
