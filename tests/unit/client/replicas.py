"""A replica that ends calls as a test wants."""

from collections.abc import Iterable, Iterator

from tests.unit.client.clocks import HandClock
from udfs.client.breaker import CircuitBreaker
from udfs.client.outcomes import Failure


class FakeReplica:
    """A replica whose calls take no time unless they say so.

    Attributes:
        called: time that each call was given, in seconds.
        connected: whether a connection stands.
    """

    def __init__(
        self,
        clock: HandClock,
        outcomes: Iterable[bytes | Failure] = (),
        *,
        target: str = "a:1",
        takes_s: float = 0.0,
    ) -> None:
        self.target = target
        self.breaker = CircuitBreaker(clock=clock)
        self.connected = True
        self.called: list[float] = []
        self._clock = clock
        self._outcomes: Iterator[bytes | Failure] = iter(outcomes)
        self._takes_s = takes_s

    def ready(self) -> bool:
        """Whether a connection stands."""
        return self.connected

    async def call(self, method: str, message: bytes, timeout_s: float) -> bytes | Failure:
        """The next outcome, in its time."""
        self.called.append(round(timeout_s, 6))
        self._clock.pass_s(min(self._takes_s, timeout_s))
        return next(self._outcomes, b"")
