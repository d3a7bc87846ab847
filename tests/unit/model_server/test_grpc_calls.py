"""Calls straight from gRPC's core, by gRPC's own clients."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest

from millrace.model_server.grpc_calls import Call, CallServer
from millrace.model_server.turns import Turn

C = grpc.StatusCode
WAIT_S = 10.0


class _Handlers:
    """Answers, each in its way, and what was told to them."""

    def __init__(self) -> None:
        self.gone = threading.Event()
        self.taken = threading.Event()
        self.go = threading.Event()
        self.threads: set[str] = set()

    def by_path(self) -> dict[str, Any]:
        ways = (self.echo, self.refused, self.no_text, self.late, self.held, self.broken)
        return {f"/s/{way.__name__}": way for way in ways}

    def echo(self, message: bytes, call: Call) -> None:
        self.threads.add(threading.current_thread().name)
        call.reply(message)

    def refused(self, message: bytes, call: Call) -> None:
        call.fail(C.FAILED_PRECONDITION, "not ünder these circumstances")

    def no_text(self, message: bytes, call: Call) -> None:
        call.fail(C.NOT_FOUND, "/models/\udcff")

    def late(self, message: bytes, call: Call) -> None:
        call.watch(self.gone.set)
        threading.Thread(target=call.reply, args=(message,)).start()

    def held(self, message: bytes, call: Call) -> None:
        call.watch(self.gone.set)
        self.taken.set()
        threading.Thread(target=self._answer, args=(message, call)).start()

    def _answer(self, message: bytes, call: Call) -> None:
        self.go.wait(WAIT_S)
        call.reply(message)

    def broken(self, message: bytes, call: Call) -> None:
        call.reply(message)
        raise ValueError("strange")


@contextmanager
def served() -> Iterator[tuple[_Handlers, CallServer, grpc.Channel]]:
    handlers, loop = _Handlers(), asyncio.new_event_loop()
    server = CallServer((("grpc.so_reuseport", 0),), handlers.by_path(), Turn(loop))
    port = server.add_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield handlers, server, channel
    finally:
        handlers.go.set()
        server.stop(0.0)
        loop.close()


def method(channel: Any, name: str) -> Any:
    return channel.unary_unary(f"/s/{name}")


@pytest.mark.parametrize("name", ["echo", "late", "broken", "echo"])
def test_call_is_answered_from_any_thread(name: str) -> None:
    with served() as (_, _, channel):
        sent = [bytes([number]) * 100_000 for number in range(8)]
        calls = [method(channel, name).future(message, timeout=WAIT_S) for message in sent]
        assert [call.result() for call in calls] == sent


def test_quick_calls_are_answered_by_the_thread_that_takes_them_in() -> None:
    with served() as (handlers, _, channel):
        for _ in range(5):
            method(channel, "echo")(b"x", timeout=WAIT_S)
        assert handlers.threads == {"grpc-calls"}


@pytest.mark.parametrize(
    ("name", "code", "details"),
    [
        ("refused", C.FAILED_PRECONDITION, "not ünder these circumstances"),
        ("no_text", C.NOT_FOUND, "/models/\\udcff"),
        ("missing", C.UNIMPLEMENTED, "Method not found!"),
    ],
)
def test_failed_call_has_its_status(name: str, code: grpc.StatusCode, details: str) -> None:
    with served() as (_, _, channel):
        with pytest.raises(grpc.RpcError) as error:
            method(channel, name)(b"x", timeout=WAIT_S)
        assert (error.value.code(), error.value.details()) == (code, details)


def test_stream_without_a_message_is_refused() -> None:
    with served() as (_, _, channel):
        stream: Any = channel
        with pytest.raises(grpc.RpcError) as error:
            stream.stream_unary("/s/echo")(iter(()), timeout=WAIT_S)
        assert error.value.code() is C.UNIMPLEMENTED


def test_caller_that_leaves_is_told_and_late_answers_do_no_harm() -> None:
    with served() as (handlers, _, channel):
        call = method(channel, "held").future(b"x", timeout=WAIT_S)
        assert handlers.taken.wait(WAIT_S)
        call.cancel()
        assert handlers.gone.wait(WAIT_S)
        handlers.go.set()
        assert method(channel, "echo")(b"y", timeout=WAIT_S) == b"y"


def test_caller_that_was_answered_is_not_told_to_have_left() -> None:
    with served() as (handlers, _, channel):
        for _ in range(20):
            method(channel, "late")(b"x", timeout=WAIT_S)
        assert not handlers.gone.is_set()


@pytest.mark.parametrize(("grace_s", "ends"), [(WAIT_S, "x"), (0.05, "UNAVAILABLE")])
def test_stopping_waits_as_long_as_it_is_told(grace_s: float, ends: str) -> None:
    with served() as (handlers, server, channel):
        call = method(channel, "held").future(b"x", timeout=WAIT_S)
        assert handlers.taken.wait(WAIT_S)
        stopping = threading.Thread(target=server.stop, args=(grace_s,))
        stopping.start()
        if ends == "x":
            handlers.go.set()
        stopping.join(WAIT_S)
        found = call.result().decode() if ends == "x" else call.code().name
        assert (found, stopping.is_alive()) == (ends, False)
