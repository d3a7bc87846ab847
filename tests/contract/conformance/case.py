"""One case of the suite: what is asked, what has to come back, and where that was read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.message import Message

from tests.contract.conformance.target import PREDICTION, Target

COMMIT: Final = "9d981c5c2708d23c5407c7c1e30309e6f9798874"
"""The commit of tensorflow/serving that every `source` is a path of, under tensorflow_serving/."""

SERVABLES: Final = "servables/tensorflow"
SERVERS: Final = "model_servers"
HANDLER: Final = f"{SERVERS}/http_rest_api_handler.cc"
JSON_TENSOR: Final = "util/json_tensor.cc"


@dataclass(frozen=True)
class Case:
    """A case.

    Attributes:
        name: what it is about; unique.
        source: the file that says so.
        ask: asks a server and gives its answer in a form that can be compared.
        expected: that answer.
    """

    name: str
    source: str
    ask: Callable[[Target], object]
    expected: object


def grpc_fails(
    name: str, source: str, method: str, message: Message, *, code: grpc.StatusCode, text: str
) -> Case:
    """A call of PredictionService that ends with a status."""

    def ask(target: Target) -> object:
        return target.status(PREDICTION, method, message)

    return Case(f"gRPC {method}: {name}", source, ask, (code.name, text))


def grpc_answers(
    name: str,
    source: str,
    method: str,
    message: Message,
    *,
    shown: Callable[[Any], object],
    expected: object,
) -> Case:
    """A call of PredictionService that succeeds."""

    def ask(target: Target) -> object:
        return shown(target.call(PREDICTION, method, message))

    return Case(f"gRPC {method}: {name}", source, ask, expected)


def rest(
    name: str, source: str, path: str, body: bytes | None, *, status: int, expected: object
) -> Case:
    """A REST request: a POST with a body, a GET without one.

    In what is expected, JSON's numbers with a point are the texts they are written as.
    """

    def ask(target: Target) -> object:
        return target.json(path, body)

    return Case(f"REST {name}", source, ask, (status, expected))


def rest_errors(path: str, source: str, table: Sequence[tuple[str, bytes, str]]) -> list[Case]:
    """POSTs to one path that end with status 400.

    Args:
        path: the path.
        source: the file that the expectations were read in.
        table: for each its name, the body and the error's text.
    """
    return [
        rest(name, source, path, body, status=400, expected={"error": text})
        for name, body, text in table
    ]
