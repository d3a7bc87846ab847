"""Figures of the last seconds: rates and latencies."""

from collections import deque
from collections.abc import Sequence

_RATE_S = 5
_LATENCY_S = 10.0


class Rate:
    """Events a second over the last five whole seconds.

    >>> rate = Rate()
    >>> for second in range(10): rate.add(7, now=float(second))
    >>> rate.per_second(now=10.0), rate.per_second(now=60.0)
    (7.0, 0.0)
    """

    def __init__(self) -> None:
        self._seconds: deque[tuple[int, int]] = deque(maxlen=_RATE_S + 1)

    def add(self, count: int, now: float) -> None:
        """Takes events at a time in seconds."""
        second = int(now)
        if self._seconds and self._seconds[-1][0] == second:
            count += self._seconds.pop()[1]
        self._seconds.append((second, count))

    def per_second(self, now: float) -> float:
        """The mean rate before the running second, which has not seen all of its events."""
        last = int(now)
        return sum(n for second, n in self._seconds if last - _RATE_S <= second < last) / _RATE_S


class Latencies:
    """Latencies in milliseconds: those of the last seconds, and all that were kept for the end."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, int]] = deque()
        self._kept: list[int] = []

    def add(self, milliseconds: int, now: float, *, keep: bool) -> None:
        """Takes a latency that was seen at a time in seconds."""
        self._recent.append((now, milliseconds))
        if keep:
            self._kept.append(milliseconds)

    def recent(self, now: float) -> list[int]:
        """Those seen within the last ten seconds."""
        while self._recent and self._recent[0][0] < now - _LATENCY_S:
            self._recent.popleft()
        return [milliseconds for _, milliseconds in self._recent]

    @property
    def count_kept(self) -> int:
        """How many were kept."""
        return len(self._kept)

    def kept(self) -> list[int]:
        """All that were kept."""
        return list(self._kept)


def quantile(values: Sequence[int], share: float) -> int | None:
    """The smallest value that at least this share of the values does not exceed.

    >>> quantile([5, 1, 3, 2, 4], 0.5), quantile([5, 1], 0.99), quantile([], 0.5)
    (3, 5, None)
    """
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(-int(-share * len(ordered) // 1) - 1, 0)]
