"""How much time a call has left, over all of its attempts."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Clock: TypeAlias = Callable[[], float]
"""Gives seconds that only ever grow, as `time.monotonic` does."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time after which nobody waits for the answer.

    Attributes:
        at_s: the point, on the clock.
        clock: the clock.

    >>> Deadline.after(0.5, lambda: 10.0).left_s()
    0.5
    """

    at_s: float
    clock: Clock = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: Clock = time.monotonic) -> "Deadline":
        """The deadline so many seconds from now."""
        return cls(clock() + seconds, clock)

    def left_s(self) -> float:
        """Seconds until the deadline; below zero when it has passed."""
        return self.at_s - self.clock()
