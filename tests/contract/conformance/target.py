"""The server under test, by its addresses."""

import http.client
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf.message import Message
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

PREDICTION: Final = prediction_service_pb2_grpc.PredictionServiceStub
MODEL: Final = model_service_pb2_grpc.ModelServiceStub
DEADLINE_S: Final = 30.0


@dataclass(frozen=True)
class Target:
    """A server.

    Attributes:
        grpc_address: host:port of gRPC.
        rest_address: host:port of REST.
        models: the folder with the suite's models, as this machine sees it.
        served_models: the same folder, as the server sees it.
    """

    grpc_address: str
    rest_address: str
    models: Path
    served_models: Path

    def call(self, stub: type[Any], method: str, message: Message) -> Any:
        """The reply to a call. Raises grpc.RpcError."""
        with grpc.insecure_channel(self.grpc_address) as channel:
            return getattr(stub(channel), method)(message, timeout=DEADLINE_S)

    def status(self, stub: type[Any], method: str, message: Message) -> tuple[str, str]:
        """Code and message that a call ends with."""
        try:
            self.call(stub, method, message)
        except grpc.RpcError as error:
            ended: Any = error
            return ended.code().name, ended.details()
        return "OK", ""

    def http(self, path: str, body: bytes | None = None, method: str = "") -> tuple[int, bytes]:
        """Status and body of an HTTP answer."""
        connection = http.client.HTTPConnection(self.rest_address, timeout=DEADLINE_S)
        try:
            connection.request(method or ("GET" if body is None else "POST"), path, body)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def json(self, path: str, body: bytes | None = None) -> tuple[int, object]:
        """Status and JSON of an HTTP answer; numbers with a point are the texts they came as."""
        status, text = self.http(path, body)
        return status, json.loads(text, parse_float=str, parse_constant=str)
