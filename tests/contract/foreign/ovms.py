"""ovmsclient, gRPC and HTTP, against the model server; runs where that package is."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from ovmsclient import (
    InvalidInputError,
    ModelNotFoundError,
    make_grpc_client,
    make_http_client,
)

from tests.contract.foreign import report

GRPC = make_grpc_client(sys.argv[1])
HTTP = make_http_client(sys.argv[2])
X = np.array([1.0, 2.0], np.float32)
SENT = {"x": X}
AVAILABLE = {"state": "AVAILABLE", "error_code": 0, "error_message": ""}


def predict(client: Any, version: int) -> object:
    return client.predict(SENT, "scale", version).tolist()


def raised(call: Callable[[], object], *kinds: type[Exception]) -> object:
    try:
        call()
    except kinds as error:
        return type(error).__name__
    return None


def grpc_metadata() -> object:
    return GRPC.get_model_metadata("scale", 2)


def http_metadata() -> object:
    # This client knows the form of its own server too and gives TensorFlow Serving's as it is.
    found = HTTP.get_model_metadata("scale", 1)
    return found["model_spec"], sorted(found["metadata"]["signature_def"]["signature_def"])


CHECKS: dict[str, Callable[[], object]] = {
    "gRPC predict": lambda: predict(GRPC, 1),
    "gRPC status": lambda: GRPC.get_model_status("scale", 2),
    "gRPC metadata": grpc_metadata,
    "gRPC unknown model": lambda: raised(
        lambda: GRPC.predict({"x": X}, "m", 1), ModelNotFoundError
    ),
    "gRPC wrong dtype": lambda: raised(
        lambda: GRPC.predict({"x": np.ones(2)}, "scale", 1), InvalidInputError
    ),
    # Its own server takes 0 for the newest version, TensorFlow Serving for a number like others.
    "gRPC version 0": lambda: raised(lambda: predict(GRPC, 0), ModelNotFoundError),
    "HTTP predict": lambda: predict(HTTP, 1),
    "HTTP status": lambda: HTTP.get_model_status("scale", 1),
    "HTTP metadata": http_metadata,
    "HTTP unknown version": lambda: raised(lambda: predict(HTTP, 9), ModelNotFoundError),
    "HTTP wrong input": lambda: raised(
        lambda: HTTP.predict({"z": X}, "scale", 1), InvalidInputError
    ),
}
EXPECTED: dict[str, object] = {
    "gRPC predict": [0.5, 1.0],
    "gRPC status": {2: AVAILABLE},
    "gRPC metadata": {
        "model_version": 2,
        "inputs": {"x": {"shape": [-1], "dtype": "DT_FLOAT"}},
        "outputs": {"y": {"shape": [-1], "dtype": "DT_FLOAT"}},
    },
    "gRPC unknown model": "ModelNotFoundError",
    "gRPC wrong dtype": "InvalidInputError",
    "gRPC version 0": "ModelNotFoundError",
    "HTTP predict": [0.5, 1.0],
    "HTTP status": {1: AVAILABLE},
    "HTTP metadata": (
        {"name": "scale", "signature_name": "", "version": "1"},
        ["serving_default"],
    ),
    "HTTP unknown version": "ModelNotFoundError",
    "HTTP wrong input": "InvalidInputError",
}

if __name__ == "__main__":
    sys.exit(report.run(CHECKS, EXPECTED))
