"""Calls straight from gRPC's core: one thread takes them in and, where that is quick, answers.

The servers that gRPC offers in Python hand each call from thread to thread two or three times,
which costs several times what the core itself does. They stand on the completion queue that is
used here, as a server written in C++ would use it. HTTP/2, TLS and flow control stay the core's.
"""

import importlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import grpc

from millrace.model_server.events import log
from millrace.model_server.turns import Turn

# gRPC's type stubs leave its core out; pyproject.toml holds the version that this is written for.
_core: Final[Any] = importlib.import_module("grpc._cython.cygrpc")

_EVENTS_A_TURN: Final = 256
"""What waits for the end of a turn does not wait for more events than this."""
_NO_DEADLINE_S: Final = 1e9

Handler: TypeAlias = Callable[[bytes, "Call"], None]
"""Takes a request and sees to it that the call is answered, now or later. It must not raise."""


class Call:
    """A call that waits for its answer; the methods may be called from any thread.

    Args:
        call: the core's.
        queue: where the core tells of it.
        deadline: when the caller no longer waits, by `time.monotonic()`; None for never.
    """

    __slots__ = ("_call", "_ended", "_gone", "_lock", "_queue", "_started", "_watched", "deadline")

    def __init__(self, call: Any, queue: Any, deadline: float | None) -> None:
        self.deadline = deadline
        self._call = call
        # The core ends the process when a call is answered whose queue is no more.
        self._queue = queue
        self._lock = threading.Lock()
        self._ended = self._started = self._watched = False
        self._gone: Callable[[], None] | None = None

    def reply(self, message: bytes) -> None:
        """Ends the call with a reply."""
        self._end(_core.SendMessageOperation(message, 0), grpc.StatusCode.OK, "")

    def fail(self, code: grpc.StatusCode, details: str) -> None:
        """Ends the call with a status."""
        self._end(None, code, details)

    def send(self, message: bytes, sent: Callable[[], None]) -> None:
        """Sends one reply of several.

        Args:
            message: the reply.
            sent: called when it is on its way, in gRPC's thread.
        """
        with self._lock:
            operations = [*self._start(), _core.SendMessageOperation(message, 0)]
            self._call.start_server_batch(operations, lambda _: sent())

    def watch(self, gone: Callable[[], None]) -> None:
        """Has somebody told, in gRPC's thread, when the caller leaves before it is answered."""
        with self._lock:
            if self._ended:
                return
            self._gone, self._watched = gone, True
            self._call.start_server_batch((_core.ReceiveCloseOnServerOperation(0),), self._closed)

    def _start(self) -> Sequence[Any]:
        started, self._started = self._started, True
        return () if started else (_core.SendInitialMetadataOperation(None, 0),)

    def _end(self, reply: Any, code: grpc.StatusCode, details: str) -> None:
        # Names of files may be no text; a call without an end would hold its caller up.
        number, text = code.value[0], details.encode(errors="backslashreplace")
        with self._lock:
            if self._ended:
                return
            operations = [*self._start(), *([reply] if reply else ())]
            operations.append(_core.SendStatusFromServerOperation(None, number, text, 0))
            if not self._watched:
                # The core wants every call's end to be received once.
                operations.append(_core.ReceiveCloseOnServerOperation(0))
            self._ended = True
            self._call.start_server_batch(operations, self._sent)

    def _sent(self, event: Any) -> None:
        """Nothing is left to do; the core keeps the call until here by this method."""

    def _closed(self, event: Any) -> None:
        # What is told refers to the call: without this the two would wait for a collection.
        gone, self._gone = self._gone, None
        if gone and event.batch_operations[0].cancelled() and not self._ended:
            gone()


class CallServer:
    """A gRPC server whose handlers run in the thread that takes the calls in.

    Args:
        options: gRPC's channel arguments.
        handlers: by path, such as `/package.Service/Method`.
        turn: what is done once all calls that have arrived are taken in.
    """

    def __init__(
        self, options: Sequence[tuple[str, int | str]], handlers: Mapping[str, Handler], turn: Turn
    ) -> None:
        self._handlers = {path.encode(): handler for path, handler in handlers.items()}
        self._turn = turn
        self._queue = _core.CompletionQueue()
        self._server = _core.Server(tuple(options), False)
        self._server.register_completion_queue(self._queue)
        self._stopping = False
        self._stopped = threading.Event()

    def add_port(self, address: str, credentials: Any = None) -> int:
        """Listens at an address once the server starts; returns the TCP port.

        Raises:
            RuntimeError: it cannot.
        """
        secure = () if credentials is None else (credentials._credentials,)
        port = int(self._server.add_http2_port(address.encode(), *secure))
        if not port:
            raise RuntimeError(f"cannot listen on {address}")
        return port

    def start(self) -> None:
        """Takes calls from now on."""
        self._server.start()
        self._ask()
        threading.Thread(target=self._serve, name="grpc-calls", daemon=True).start()

    def stop(self, grace_s: float) -> None:
        """Takes no more calls and returns when those in flight have ended, or have been ended."""
        self._stopping = True
        self._server.shutdown(self._queue, self._on_shutdown)
        if not self._stopped.wait(grace_s):
            self._server.cancel_all_calls()

    def _ask(self) -> None:
        self._server.request_call(self._queue, self._queue, self._on_call)

    def _serve(self) -> None:
        turn = self._turn
        turn.enter()
        events = 0
        while not self._stopped.is_set():
            pending = turn.pending
            event = self._next(0.0 if pending else None)
            if event is None:
                continue
            if event.completion_type == _core.CompletionType.queue_timeout:
                events = _EVENTS_A_TURN
            else:
                events += pending
                _logged(event.tag, event)
            # An event keeps its call alive.
            event = None
            if events >= _EVENTS_A_TURN:
                events = 0
                self._end_turn()

    def _next(self, until: float | None) -> Any:
        try:
            return self._queue.poll(until)
        except Exception as error:
            # What the core makes of one message, such as no memory for it, must not end all calls.
            log("grpc_event_failed", error=repr(error))
            return None

    def _end_turn(self) -> None:
        for action in self._turn.taken():
            _logged(action)

    def _on_call(self, event: Any) -> None:
        if not self._stopping:
            self._ask()
        if not event.success or not event.call_details.method:
            return
        left_s = event.call_details.deadline - time.time()
        deadline = time.monotonic() + left_s if left_s < _NO_DEADLINE_S else None
        call = Call(event.call, self._queue, deadline)
        handler = self._handlers.get(event.call_details.method)
        if handler is None:
            call.fail(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
            return
        _receive(event.call, call, handler)

    def _on_shutdown(self, _: Any) -> None:
        self._stopped.set()


def _logged(action: Callable[..., None], *arguments: Any) -> None:
    try:
        action(*arguments)
    except Exception as error:
        # One call that goes wrong must not end all others.
        log("grpc_event_failed", error=repr(error))


def _receive(core_call: Any, call: Call, handler: Handler) -> None:
    def received(event: Any) -> None:
        message: bytes | None = event.batch_operations[0].message()
        if message is None:
            details = "The call brought no message."
            call.fail(grpc.StatusCode.UNIMPLEMENTED, details)
        else:
            handler(message, call)

    core_call.start_server_batch((_core.ReceiveMessageOperation(0),), received)
