"""gRPC's health checking, as TensorFlow Serving answers it behind its flag."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import grpc

from millrace.model_server import wire
from millrace.model_server.errors import RequestError
from millrace.model_server.requests import decoded, encoded

_SERVING, _NOT_SERVING, _SERVICE_UNKNOWN = 1, 2, 3
_SERVICES: Final = frozenset({"", "ModelService", "PredictionService"})


class Health:
    """`grpc.health.v1.Health`: everything serves until the server drains."""

    def __init__(self) -> None:
        self._draining = asyncio.Event()

    def drain(self) -> None:
        """From now on nothing serves; whoever watches is told."""
        self._draining.set()

    def handler(self) -> "grpc.GenericRpcHandler[Any, Any]":
        """What a gRPC server needs to serve it."""
        unary: Any = grpc.unary_unary_rpc_method_handler
        stream: Any = grpc.unary_stream_rpc_method_handler
        handlers = {"Check": unary(self._check), "Watch": stream(self._watch)}
        return grpc.method_handlers_generic_handler("grpc.health.v1.Health", handlers)

    def _status(self, service: str) -> int:
        if service not in _SERVICES:
            return _SERVICE_UNKNOWN
        return _NOT_SERVING if self._draining.is_set() else _SERVING

    async def _check(self, message: bytes, context: Any) -> bytes:
        status = self._status(await _service(message, context))
        if status == _SERVICE_UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, "service name unknown")
        return encoded(wire.HealthCheckResponse(status=status))

    async def _watch(self, message: bytes, context: Any) -> AsyncIterator[bytes]:
        service = await _service(message, context)
        status = self._status(service)
        yield encoded(wire.HealthCheckResponse(status=status))
        await self._draining.wait()
        if self._status(service) != status:
            yield encoded(wire.HealthCheckResponse(status=self._status(service)))


async def _service(message: bytes, context: Any) -> str:
    try:
        return str(decoded(wire.HealthCheckRequest, message).service)
    except RequestError as error:
        await context.abort(error.code, error.message)
        raise AssertionError("abort raises") from error
