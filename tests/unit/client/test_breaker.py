"""When an endpoint is called, and when it is left alone."""

from collections.abc import Callable

import pytest

from tests.unit.client.clocks import HandClock
from udfs.client.breaker import BreakerLimits, BreakerState, CircuitBreaker

LIMITS = BreakerLimits(in_a_row=3, window_s=1.0, window_calls=10, pause_s=0.5, longest_pause_s=1.5)


class Endpoint:
    """A breaker, its clock, and calls that end as a test wants."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.breaker = CircuitBreaker(LIMITS, clock=self.clock)

    def fail(self, times: int = 1) -> None:
        """Calls that fail."""
        for _ in range(times):
            self.breaker.failed(self.breaker.begin())

    def succeed(self, times: int = 1) -> None:
        """Calls that are answered."""
        for _ in range(times):
            self.breaker.succeeded(self.breaker.begin())

    def opened(self) -> "Endpoint":
        """The endpoint, after an outage."""
        self.fail(3)
        assert self.breaker.state is BreakerState.OPEN
        return self

    def probing(self) -> int:
        """The start of a probe."""
        self.opened().clock.pass_s(0.5)
        assert self.breaker.admits()
        return self.breaker.begin()


def row(endpoint: Endpoint) -> None:
    endpoint.succeed(1000)
    endpoint.fail(3)


def half(endpoint: Endpoint) -> None:
    for _ in range(5):
        endpoint.fail()
        endpoint.succeed()
    endpoint.fail()


def few(endpoint: Endpoint) -> None:
    for _ in range(4):
        endpoint.fail()
        endpoint.succeed()


def spread(endpoint: Endpoint) -> None:
    for _ in range(30):
        endpoint.fail()
        endpoint.succeed()
        endpoint.clock.pass_s(0.4)


def seldom(endpoint: Endpoint) -> None:
    for _ in range(100):
        endpoint.fail()
        endpoint.succeed(2)


@pytest.mark.parametrize(
    ("happens", "state"),
    [
        (row, BreakerState.OPEN),
        (half, BreakerState.OPEN),
        (few, BreakerState.CLOSED),
        (spread, BreakerState.CLOSED),
        (seldom, BreakerState.CLOSED),
        (Endpoint.succeed, BreakerState.CLOSED),
    ],
    ids=["three in a row", "half of many", "half of few", "half, over a long time", "a third", "-"],
)
def test_what_opens_a_breaker(happens: Callable[[Endpoint], None], state: BreakerState) -> None:
    endpoint = Endpoint()
    happens(endpoint)
    assert endpoint.breaker.state is state


def test_open_breaker_admits_nothing_until_its_pause_is_over_and_then_one_probe() -> None:
    endpoint = Endpoint().opened()
    admitted = [endpoint.breaker.admits()]
    endpoint.clock.pass_s(0.49)
    admitted.append(endpoint.breaker.admits())
    endpoint.clock.pass_s(0.01)
    admitted.append(endpoint.breaker.admits())
    endpoint.breaker.begin()
    admitted.append(endpoint.breaker.admits())
    assert (admitted, endpoint.breaker.state) == (
        [False, False, True, False],
        BreakerState.HALF_OPEN,
    )


def test_probe_that_succeeds_closes() -> None:
    endpoint = Endpoint()
    endpoint.breaker.succeeded(endpoint.probing())
    endpoint.fail(2)
    assert endpoint.breaker.state is BreakerState.CLOSED


def test_pauses_double_up_to_the_longest() -> None:
    endpoint = Endpoint().opened()
    waited = []
    for _ in range(4):
        before = endpoint.clock.now_s
        while not endpoint.breaker.admits():
            endpoint.clock.pass_s(0.25)
        waited.append(endpoint.clock.now_s - before)
        endpoint.fail()
    assert waited == [0.5, 1.0, 1.5, 1.5]


def test_probe_that_its_caller_gave_up_is_made_again() -> None:
    endpoint = Endpoint()
    endpoint.breaker.abandoned(endpoint.probing())
    assert endpoint.breaker.admits()


@pytest.mark.parametrize("end", [CircuitBreaker.succeeded, CircuitBreaker.failed])
def test_calls_from_before_it_opened_say_nothing(
    end: Callable[[CircuitBreaker, int], None],
) -> None:
    endpoint = Endpoint()
    old = endpoint.breaker.begin()
    endpoint.probing()
    end(endpoint.breaker, old)
    assert endpoint.breaker.state is BreakerState.HALF_OPEN
