"""Methods of services as handlers of gRPC's calls."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import grpc

from millrace.model_server.errors import RequestError
from millrace.model_server.events import log
from millrace.model_server.grpc_calls import Call, Handler
from millrace.model_server.observer import Observer
from millrace.model_server.services import Method, QuickMethod


def handlers(
    service: str,
    methods: Sequence[Method | QuickMethod],
    observer: Observer,
    loop: asyncio.AbstractEventLoop,
) -> Mapping[str, Handler]:
    """A service's handlers by path.

    Args:
        service: its full name.
        methods: its methods.
        observer: is told of requests.
        loop: where methods run that are not quick.
    """
    return {
        f"/{service}/{method.name}": _at_once(method, observer)
        if isinstance(method, QuickMethod)
        else _on_loop(method, observer, loop)
        for method in methods
    }


class _Answering:
    """A call on its way to its end, which is told to the observer."""

    __slots__ = ("_call", "_counted", "_method", "_observer", "_start", "model")

    def __init__(self, call: Call, method: str, observer: Observer, *, counted: bool) -> None:
        self.model = ""
        self._call = call
        self._method = method
        self._observer = observer
        self._counted = counted
        self._start = time.perf_counter()

    def done(self, outcome: bytes | Exception) -> None:
        """Ends the call with a reply, or with what went wrong."""
        if isinstance(outcome, Exception):
            self._fail(outcome)
            return
        self._call.reply(outcome)
        if self._counted:
            self._observer.requested(self.model, grpc.StatusCode.OK)
            took = (time.perf_counter() - self._start) * 1e6
            self._observer.answered(self.model, self._method, "GRPC", took)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, RequestError):
            code, details = error.code, error.message
        else:
            # One strange request must not look like a broken server without a trace of why.
            log("request_failed", method=self._method, error=repr(error))
            code, details = grpc.StatusCode.INTERNAL, "The server failed; its log says why."
        self._call.fail(code, details)
        if self._counted:
            self._observer.requested(self.model, code)


def _at_once(method: QuickMethod, observer: Observer) -> Handler:
    def answer(message: bytes, call: Call) -> None:
        answering = _Answering(call, method.name, observer, counted=True)
        try:
            request = method.decode(message)
            answering.model = method.model_name(request)
            work = method.start(request, call.deadline, answering.done)
        except Exception as error:
            answering.done(error)
            return

        def gone() -> None:
            work.gone = True

        call.watch(gone)

    return answer


def _on_loop(method: Method, observer: Observer, loop: asyncio.AbstractEventLoop) -> Handler:
    counted = method.model_name is not None

    async def answer(message: bytes, call: Call) -> None:
        answering = _Answering(call, method.name, observer, counted=counted)
        try:
            request = method.decode(message)
            answering.model = method.model_name(request) if method.model_name else ""
            reply = await method.answer(request, call.deadline)
        except Exception as error:
            answering.done(error)
        else:
            answering.done(reply)

    return on_loop(loop, answer)


def on_loop(
    loop: asyncio.AbstractEventLoop, answer: Callable[[bytes, Call], Coroutine[Any, Any, None]]
) -> Handler:
    """A handler that has the event loop answer; a caller that leaves cancels that."""
    tasks: set[asyncio.Task[None]] = set()

    def begin(message: bytes, call: Call) -> None:
        task = loop.create_task(answer(message, call))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

        def gone() -> None:
            loop.call_soon_threadsafe(task.cancel)

        call.watch(gone)

    def handle(message: bytes, call: Call) -> None:
        loop.call_soon_threadsafe(begin, message, call)

    return handle
