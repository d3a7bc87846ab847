"""A gRPC server before a model server that does to calls what a test wants."""

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any

import grpc
import grpc.aio

from millrace.stack.ports import HOST
from udfs.client.options import MEBIBYTE
from udfs.client.wire import PREDICT

Forward = Callable[[bytes], Awaitable[bytes]]
Behaviour = Callable[[bytes, Any, Forward], Awaitable[bytes]]
"""(request, gRPC context, what asks the model server) -> reply."""

_OPTIONS = [("grpc.max_receive_message_length", 64 * MEBIBYTE)]
_START_S = 10.0


async def passing(request: bytes, context: Any, forward: Forward) -> bytes:
    """The model server's own answer."""
    return await forward(request)


def slow(seconds: float) -> Behaviour:
    """The model server's own answer, later."""

    async def behaviour(request: bytes, context: Any, forward: Forward) -> bytes:
        await asyncio.sleep(seconds)
        return await forward(request)

    return behaviour


def failing(code: grpc.StatusCode, details: str) -> Behaviour:
    """A status instead of an answer."""

    async def behaviour(request: bytes, context: Any, forward: Forward) -> bytes:
        await context.abort(code, details)
        raise AssertionError("abort raises")

    return behaviour


def spoiling(spoil: Callable[[bytes], bytes]) -> Behaviour:
    """The model server's answer, changed."""

    async def behaviour(request: bytes, context: Any, forward: Forward) -> bytes:
        return spoil(await forward(request))

    return behaviour


class FaultProxy:
    """Stands before a model server, in a thread of its own.

    Args:
        upstream: the model server.
        ports: where it listens; 0 for any free one.

    Attributes:
        behaviour: what is done to calls from now on.
        counts: calls that came (`came`) and that were answered (`answered`).
        target: its address, that of the first port; there once it has started.
    """

    def __init__(self, upstream: str, ports: Sequence[int] = (0,)) -> None:
        self.behaviour: Behaviour = passing
        self.counts: Counter[str] = Counter()
        self.target = ""
        self._upstream = upstream
        self._ports = ports
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> "FaultProxy":
        """Begins to listen."""
        self._thread.start()
        if not self._started.wait(_START_S):
            raise TimeoutError("the proxy did not start")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops listening."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        server: Any = grpc.aio.server(options=_OPTIONS)
        channel: Any = grpc.aio.insecure_channel(self._upstream, options=_OPTIONS)
        forward = channel.unary_unary(PREDICT)

        async def predict(request: bytes, context: Any) -> bytes:
            self.counts["came"] += 1
            reply = await self.behaviour(request, context, forward)
            self.counts["answered"] += 1
            return reply

        raw: Any = grpc.unary_unary_rpc_method_handler
        _, service, method = PREDICT.split("/")
        handler = grpc.method_handlers_generic_handler(service, {method: raw(predict)})
        server.add_generic_rpc_handlers((handler,))
        first, *_ = [server.add_insecure_port(f"{HOST}:{port}") for port in self._ports]
        self.target = f"{HOST}:{first}"
        await server.start()
        self._started.set()
        await self._stopping.wait()
        await server.stop(0)
        await channel.close()
