"""How long to wait before an attempt."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Draw: TypeAlias = Callable[[], float]
"""Gives numbers from 0 to 1 that are evenly spread, as `random.random` does."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential waits with full jitter: callers that failed together do not return together.

    The form is "Full Jitter" of M. Brooker, Exponential Backoff and Jitter, 2015.

    Attributes:
        first_s: bound of the first wait; each further bound is twice the one before.
        most_s: no bound is larger.
        draw: where in the range a wait lies.

    >>> waits = Backoff(first_s=0.02, most_s=0.1, draw=lambda: 1.0)
    >>> [waits(attempt) for attempt in range(4)]
    [0.02, 0.04, 0.08, 0.1]
    """

    first_s: float = 0.02
    most_s: float = 0.5
    draw: Draw = random.random

    def __call__(self, attempt: int) -> float:
        """Seconds to wait after this attempt; attempts count from 0."""
        return self.draw() * min(self.most_s, self.first_s * (1 << attempt))
