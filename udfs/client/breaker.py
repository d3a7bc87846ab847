"""Stops calling an endpoint that does not answer, and looks now and then whether it does again."""

import time
from dataclasses import dataclass
from enum import IntEnum

from udfs.client.deadline import Clock


class BreakerState(IntEnum):
    """Whether calls go through; numbers as in the gauge."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    """When a breaker opens and when it lets a probe through.

    With these an outage opens it within 2 s, also when each call hangs for half a second, and a
    server that is back is called again within 5 s, gRPC's own wait to reconnect included.

    Attributes:
        in_a_row: failures one after another that open it.
        window_s: time over which the share of failures is taken.
        window_calls: calls that have to have ended in that time for the share to count.
        pause_s: time between opening and the first probe; doubled after each that fails.
        longest_pause_s: no pause is longer.
    """

    in_a_row: int = 3
    window_s: float = 1.0
    window_calls: int = 10
    pause_s: float = 0.5
    longest_pause_s: float = 1.5


class CircuitBreaker:
    """The breaker of one endpoint.

    Closed, it lets calls through and opens when `in_a_row` failed, or half of those that ended
    within the window. Open, it lets none through until its pause is over; then one, the probe,
    whose end closes it or opens it again.
    """

    def __init__(
        self, limits: BreakerLimits | None = None, *, clock: Clock = time.monotonic
    ) -> None:
        self._limits = limits or BreakerLimits()
        self._clock = clock
        self._period = 0
        self._probe_at_s = 0.0
        self._pause_s = self._limits.pause_s
        self.state = BreakerState.CLOSED
        self._close()

    def admits(self) -> bool:
        """Whether a call would be let through now."""
        if self.state is BreakerState.CLOSED:
            return True
        return self.state is BreakerState.OPEN and self._clock() >= self._probe_at_s

    def begin(self) -> int:
        """Marks the start of a call that was admitted; hand the result to what ends it."""
        if self.state is BreakerState.OPEN:
            self.state = BreakerState.HALF_OPEN
            self._period += 1
        return self._period

    def succeeded(self, period: int) -> None:
        """The endpoint answered a call, be it with an error of the caller."""
        if period != self._period:
            return
        if self.state is BreakerState.HALF_OPEN:
            self._close()
        self._row = 0
        if self._window_ends_s:
            self._count(failed=False)

    def failed(self, period: int) -> None:
        """The endpoint did not answer a call."""
        # What began before the breaker opened says nothing about the time since.
        if period != self._period:
            return
        if self.state is BreakerState.HALF_OPEN:
            self._pause_s = min(self._limits.longest_pause_s, 2 * self._pause_s)
            self._open()
            return
        self._row += 1
        self._count(failed=True)
        often = self._ended >= self._limits.window_calls and 2 * self._failures >= self._ended
        if often or self._row >= self._limits.in_a_row:
            self._open()

    def abandoned(self, period: int) -> None:
        """A call was given up by its caller, which says nothing about the endpoint."""
        if period == self._period and self.state is BreakerState.HALF_OPEN:
            self.state = BreakerState.OPEN

    def _open(self) -> None:
        self.state = BreakerState.OPEN
        self._period += 1
        self._probe_at_s = self._clock() + self._pause_s

    def _close(self) -> None:
        self.state = BreakerState.CLOSED
        self._row = self._ended = self._failures = 0
        # Zero: no failure lately, so nothing is counted and the clock is not asked.
        self._window_ends_s = 0.0
        self._pause_s = self._limits.pause_s

    def _count(self, *, failed: bool) -> None:
        now_s = self._clock()
        if now_s >= self._window_ends_s:
            self._ended = self._failures = 0
            self._window_ends_s = now_s + self._limits.window_s if failed else 0.0
        self._ended += 1
        self._failures += failed
