"""One event at a time: what is left of a block when numpy has done the rest."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from udfs.features.chains import NONE, EventChains, Ints


class Singles:
    """Adds single events to chains and windows, in whatever order of time.

    Reads and writes the arrays of a fold through memory views, which give Python integers several
    times faster than numpy does. Valid until one of the arrays is replaced.
    """

    def __init__(
        self,
        chains: EventChains,
        *,
        seen: Ints,
        last: NDArray[np.int32],
        first: NDArray[np.int32],
        count: Ints,
        total: Ints,
    ) -> None:
        self._time, self._value = chains.time.data, chains.value.data
        self._next, self._prev = chains.next.data, chains.prev.data
        self._seen, self._last = seen.data, last.data
        self._first = [row.data for row in first]
        self._count = [row.data for row in count]
        self._total = [row.data for row in total]

    def add(self, slot: int, position: int, floor: int, windows: Sequence[int]) -> list[int]:
        """Folds the event at `position`; its sequence number, then counts, then sums."""
        last, time = self._last[slot], self._time[position]
        silent = last == NONE or self._time[last] <= floor
        self._seen[slot] = sequence = 1 if silent else self._seen[slot] + 1
        if time <= floor:  # older than all that is kept: it sees itself alone
            return [sequence, *[1] * len(windows), *[self._value[position]] * len(windows)]
        at_end = self._link(slot, position)
        newest = time if at_end else self._time[last]
        counts, totals = [sequence], []
        for window, length in enumerate(windows):
            count, total = self._enter(window, slot, position, max(newest - length, floor))
            if not at_end:
                count, total = self._back(position, max(time - length, floor))
            counts.append(count)
            totals.append(total)
        return counts + totals

    def _link(self, slot: int, position: int) -> bool:
        """Puts the event behind those of its key that are not later; whether that is the end."""
        times, prev, time = self._time, self._prev, self._time[position]
        before, after = self._last[slot], NONE
        while before != NONE and times[before] > time:
            before, after = prev[before], before
        prev[position], self._next[position] = before, after
        if before != NONE:
            self._next[before] = position
        if after == NONE:
            self._last[slot] = position
        else:
            prev[after] = position
        return after == NONE

    def _enter(self, window: int, slot: int, position: int, bound: int) -> tuple[int, int]:
        """Counts the event in the key's window and moves its beginning on; count and sum."""
        times, first = self._time, self._first[window]
        at, time = first[slot], times[position]
        count, total = self._count[window][slot], self._total[window][slot]
        if time > bound or (at != NONE and times[at] <= time):
            count, total = count + 1, total + self._value[position]
            if at == NONE or time < times[at]:
                at = position
        while at != NONE and times[at] <= bound:
            count, total, at = count - 1, total - self._value[at], self._next[at]
        first[slot], self._count[window][slot], self._total[window][slot] = at, count, total
        return count, total

    def _back(self, position: int, bound: int) -> tuple[int, int]:
        """Count and sum of the event and those before it that are later than the bound."""
        count = total = 0
        while position != NONE and self._time[position] > bound:
            count, total = count + 1, total + self._value[position]
            position = self._prev[position]
        return count, total
