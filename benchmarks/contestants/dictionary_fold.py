"""The windows as one writes them by hand: a dictionary of sorted events, record by record."""

from array import array
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from udfs.features.windows import WindowedAggregate

_TRIM_EVENTS = 64


class _Events:
    """The events of one key in time order, with running sums.

    `sums[i]` is the sum of the values before event i, so a window's sum is one subtraction.
    `seen` is the sequence number of the newest arrival.
    """

    __slots__ = ("seen", "sums", "times")

    def __init__(self) -> None:
        self.times = array("q")
        self.sums = array("q", [0])
        self.seen = 0

    def add(self, time: int, value: int) -> tuple[int, int]:
        """Takes the event in; returns the index behind it and the sum up to and with it."""
        times, sums = self.times, self.sums
        self.seen += 1
        if not times or time >= times[-1]:
            times.append(time)
            total = sums[-1] + value
            sums.append(total)
            return len(times), total
        place = bisect_right(times, time)
        times.insert(place, time)
        total = sums[place] + value
        sums.insert(place + 1, total)
        for later in range(place + 2, len(sums)):
            sums[later] += value
        return place + 1, total

    def trim(self, count: int) -> None:
        """Forgets the oldest `count` events."""
        del self.times[:count]
        del self.sums[:count]


class DictionaryFold:
    """Folds blocks of events into window counts and sums, exactly, in order of arrival.

    A record sees the events of its key that arrived before it and itself, with event time in
    (t - w, t]: also when it is late. Memory: 16 bytes an event that is still in the longest
    window plus the lateness, about 300 bytes a key. Sums are int64.

    >>> fold = DictionaryFold(WindowedAggregate("c", "id", "cents", (10, 100)), lateness_ms=50)
    >>> rows = fold.update([7, 7, 8, 7], [100, 105, 106, 112], [5, 6, 1, 7], [100, 105, 106, 112])
    >>> rows.tolist()  # sequence, counts, sums
    [[1, 1, 1, 5, 5], [2, 2, 2, 11, 11], [1, 1, 1, 1, 1], [3, 2, 3, 13, 18]]
    """

    def __init__(self, aggregate: WindowedAggregate, lateness_ms: int) -> None:
        self.aggregate = aggregate
        self._descending = tuple(sorted(aggregate.windows_ms, reverse=True))
        width = 2 * len(self._descending)
        self._order = [0, *range(width - 1, 0, -2), *range(width, 0, -2)]
        self.keep_ms = self._descending[0] + lateness_ms
        self._keys: dict[int, _Events] = {}

    def update(
        self,
        keys: Sequence[int],
        times: Sequence[int],
        values: Sequence[int],
        newest: Sequence[int],
    ) -> NDArray[np.int64]:
        """Window values of a block of n records, whose events join the state.

        Args:
            keys: entity keys, (n,).
            times: event times in milliseconds, (n,).
            values: the summed column, (n,).
            newest: newest event time of the record's source partition up to and with it, (n,).
                Events `keep_ms` or more behind it are not counted any more, so a result never
                depends on when state was trimmed.

        Returns:
            int64 of shape (n, 1 + 2w): the key's sequence number (from 1, again from 1 after
            `keep_ms` of silence), w counts, w sums; windows in ascending order.
        """
        rows = array("q")
        put, known, descending, keep_ms = rows.append, self._keys, self._descending, self.keep_ms
        for key, time, value, latest in zip(keys, times, values, newest, strict=True):
            floor = latest - keep_ms
            events = known.get(key)
            if events is None or events.times[-1] <= floor:
                events = known[key] = _Events()
            end, total = events.add(time, value)
            past, sums, start = events.times, events.sums, 0
            if time <= floor:  # older than all that is kept: it sees itself alone
                start, floor = end - 1, time - 1
            put(events.seen)
            for window in descending:
                bound = time - window
                start = bisect_right(past, bound if bound > floor else floor, start, end)
                put(end - start)
                put(total - sums[start])
            if end > _TRIM_EVENTS and past[_TRIM_EVENTS] <= floor:
                events.trim(bisect_right(past, floor))
        return np.frombuffer(rows, dtype=np.int64).reshape(-1, len(self._order))[:, self._order]

    def load(
        self,
        keys: Sequence[int],
        times: Sequence[int],
        values: Sequence[int],
        sequences: Sequence[int],
    ) -> None:
        """Puts back events that were folded before, in their order of arrival; all (n,)."""
        for key, time, value, sequence in zip(keys, times, values, sequences, strict=True):
            events = self._keys.setdefault(key, _Events())
            events.add(time, value)
            events.seen = sequence
