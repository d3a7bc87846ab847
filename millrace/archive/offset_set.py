"""A set of offsets of one partition, and how often each came."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from millrace.archive.ranges import Range
from udfs.errors import DataError

_FIRST_CAPACITY = 1 << 16
_SHOWN = 10


class OffsetSet:
    """Offsets from `base` on, one byte each; counts up to 255 of the same.

    >>> offsets = OffsetSet(base=100)
    >>> offsets.add(np.array([100, 101, 103, 103]))
    >>> offsets.rows, offsets.repeated, list(offsets.absent(100, 105))
    (4, 1, [(102, 102), (104, 104)])

    Attributes:
        rows: how many were added.
    """

    def __init__(self, base: int = 0) -> None:
        self.rows = 0
        self._base = base
        self._counts = np.zeros(_FIRST_CAPACITY, dtype=np.uint8)

    def add(self, offsets: NDArray[np.int64]) -> None:
        """Takes offsets, int64 (n,), none below the base."""
        if not len(offsets):
            return
        if offsets.min() < self._base:
            raise DataError(f"offset {offsets.min()} is below {self._base}")
        places = offsets - self._base
        needed = int(places.max()) + 1
        if needed > len(self._counts):
            grown = np.zeros(max(needed, 2 * len(self._counts)), dtype=np.uint8)
            grown[: len(self._counts)] = self._counts
            self._counts = grown
        unique, times = np.unique(places, return_counts=True)
        total = self._counts[unique].astype(np.int64) + times
        self._counts[unique] = np.minimum(total, np.iinfo(np.uint8).max)
        self.rows += len(offsets)

    @property
    def end(self) -> int:
        """The offset after the highest one; the base when there is none."""
        used = np.flatnonzero(self._counts)
        return self._base + int(used[-1]) + 1 if len(used) else self._base

    def __contains__(self, offset: int) -> bool:
        """Whether the offset came."""
        place = offset - self._base
        return 0 <= place < len(self._counts) and bool(self._counts[place])

    @property
    def repeated(self) -> int:
        """How many offsets came more than once."""
        return int((self._counts > 1).sum())

    def within(self, start: int, end: int) -> int:
        """How many different offsets there are from `start` on and below `end`."""
        return int(np.count_nonzero(self._slice(start, end)))

    def repeats(self) -> Iterator[Range]:
        """Ranges of offsets that came more than once, ascending."""
        return _ranges(self._counts > 1, self._base)

    def present(self) -> Iterator[Range]:
        """Ranges of offsets that came, ascending."""
        return _ranges(self._counts > 0, self._base)

    def absent(self, start: int, end: int) -> Iterator[Range]:
        """Ranges of offsets from `start` on and below `end` that never came, ascending."""
        return _ranges(self._slice(start, end) == 0, start)

    def without(self, other: "OffsetSet") -> Iterator[Range]:
        """Ranges of offsets that came here and not there, ascending."""
        end = self.end
        return _ranges(
            (self._slice(self._base, end) > 0) & (other._slice(self._base, end) == 0), self._base
        )

    def _slice(self, start: int, end: int) -> NDArray[np.uint8]:
        size = max(end - start, 0)
        found = np.zeros(size, dtype=np.uint8)
        held = self._counts[max(start - self._base, 0) : max(end - self._base, 0)]
        first = max(self._base - start, 0)
        found[first : first + len(held)] = held[: max(size - first, 0)]
        return found


def shown(ranges: Iterator[Range]) -> list[Range]:
    """The first few of them, for a report."""
    return [found for found, _ in zip(ranges, range(_SHOWN), strict=False)]


def _ranges(flags: NDArray[np.bool_], base: int) -> Iterator[Range]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    for first, after in edges.reshape(-1, 2).tolist():
        yield base + first, base + after - 1
