"""One address of a model server: its channel, its circuit breaker."""

import asyncio
import time
from typing import Any

import grpc
import grpc.aio

from udfs.client.breaker import CircuitBreaker
from udfs.client.channel import open_channel
from udfs.client.deadline import Clock
from udfs.client.options import ClientOptions
from udfs.client.outcomes import Failure, FailureReason
from udfs.client.status_codes import failure


class Endpoint:
    """Makes calls to one address; each ends as the reply's bytes or as a failure.

    Args:
        target: the address, `host:port`.
        options: limit of replies, encryption.
        clock: of the breaker.

    Attributes:
        target: the address.
        breaker: whether it may be called.
        attempts: calls that were sent to it.
    """

    def __init__(
        self, target: str, options: ClientOptions, *, clock: Clock = time.monotonic
    ) -> None:
        self.target = target
        self.breaker = CircuitBreaker(clock=clock)
        self.attempts = 0
        self._options = options
        self._channel: grpc.aio.Channel | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._methods: dict[str, Any] = {}
        self._closed = False

    def ready(self) -> bool:
        """Whether a connection stands; without one, makes it look for one.

        A server that drains has said so (GOAWAY) and ended its connection, as has one that died.
        """
        channel = self._open_channel()
        return channel.get_state(try_to_connect=True) is grpc.ChannelConnectivity.READY

    async def call(self, method: str, message: bytes, timeout_s: float) -> bytes | Failure:
        """One attempt of a call, and what it says to the breaker.

        Raises:
            CancelledError: the caller is cancelled, and only then.
        """
        period = self.breaker.begin()
        self.attempts += 1
        try:
            outcome = await self._attempt(method, message, timeout_s)
        except asyncio.CancelledError:
            self.breaker.abandoned(period)
            raise
        if isinstance(outcome, Failure) and outcome.counts:
            self.breaker.failed(period)
        else:
            self.breaker.succeeded(period)
        return outcome

    async def close(self) -> None:
        """Ends the calls in flight (as failures) and closes the channel for good."""
        self._closed = True
        channel, self._channel = self._channel, None
        if channel is not None and self._loop is asyncio.get_running_loop():
            await channel.close(grace=None)

    async def _attempt(self, method: str, message: bytes, timeout_s: float) -> bytes | Failure:
        if self._closed:
            return self._ended()
        try:
            reply: bytes = await self._method(method)(
                message, timeout=timeout_s, wait_for_ready=False
            )
            return reply
        except grpc.aio.AioRpcError as error:
            return failure(self.target, error.code(), error.details() or "")
        except asyncio.CancelledError:
            if self._closed and not _being_cancelled():
                return self._ended()
            raise
        except Exception as error:
            # Flink may commit a bundle without the output of an element that raised.
            return Failure(FailureReason.INTERNAL, f"{self.target}: {error!r}")

    def _method(self, method: str) -> Any:
        channel = self._open_channel()
        if method not in self._methods:
            self._methods[method] = _raw(channel, method)
        return self._methods[method]

    def _open_channel(self) -> grpc.aio.Channel:
        loop = asyncio.get_running_loop()
        if self._channel is None or self._loop is not loop:
            # A channel belongs to its loop: after a restart of the loop only a new one works.
            self._channel = open_channel(self.target, self._options)
            self._loop, self._methods = loop, {}
        return self._channel

    def _ended(self) -> Failure:
        return Failure(FailureReason.CANCELLED, f"{self.target}: the client is closed")


def _raw(channel: Any, method: str) -> Any:
    # Without serializers gRPC hands bytes through; its type stubs leave that form out.
    return channel.unary_unary(method)


def _being_cancelled() -> bool:
    """Whether the caller's task is being cancelled; Python 3.10 cannot tell and says no."""
    task = asyncio.current_task()
    count = getattr(task, "cancelling", None)
    return bool(count and count())
