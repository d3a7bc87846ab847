"""gRPC's health checking, as TensorFlow Serving answers it behind its flag."""

import asyncio
from collections.abc import Mapping
from typing import Final

import grpc

from millrace.model_server import wire
from millrace.model_server.errors import RequestError
from millrace.model_server.grpc_calls import Call, Handler
from millrace.model_server.grpc_handlers import on_loop
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

    def handlers(self, loop: asyncio.AbstractEventLoop) -> Mapping[str, Handler]:
        """What a gRPC server needs to serve it; the loop has those who watch."""
        service = "/grpc.health.v1.Health"
        return {f"{service}/Check": self._check, f"{service}/Watch": on_loop(loop, self._watch)}

    def _status(self, service: str) -> int:
        if service not in _SERVICES:
            return _SERVICE_UNKNOWN
        return _NOT_SERVING if self._draining.is_set() else _SERVING

    def _check(self, message: bytes, call: Call) -> None:
        service = _service(message, call)
        if service is None:
            return
        status = self._status(service)
        if status == _SERVICE_UNKNOWN:
            call.fail(grpc.StatusCode.NOT_FOUND, "service name unknown")
        else:
            call.reply(_encoded(status))

    async def _watch(self, message: bytes, call: Call) -> None:
        service = _service(message, call)
        if service is None:
            return
        status = self._status(service)
        await _sent(call, status)
        await self._draining.wait()
        if self._status(service) != status:
            await _sent(call, self._status(service))
        call.fail(grpc.StatusCode.OK, "")


async def _sent(call: Call, status: int) -> None:
    """Sends a status and returns once it is on its way."""
    loop, sent = asyncio.get_running_loop(), asyncio.Event()
    call.send(_encoded(status), lambda: _set(loop, sent))
    await sent.wait()


def _set(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    loop.call_soon_threadsafe(event.set)


def _encoded(status: int) -> bytes:
    return encoded(wire.HealthCheckResponse(status=status))


def _service(message: bytes, call: Call) -> str | None:
    """The service that is asked about; without one the call is answered."""
    try:
        return str(decoded(wire.HealthCheckRequest, message).service)
    except RequestError as error:
        call.fail(error.code, error.message)
        return None
