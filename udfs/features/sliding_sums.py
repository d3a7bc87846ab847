"""Sums of the events of many keys up to times that move on, for windows over whole blocks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.features.chains import grown
from udfs.features.ordering import stable_sort

Ints = NDArray[np.int64]

TIME_BITS = 42
"""Times are kept to the year 2109; later ones count as that time."""
LATEST_MS = 2**TIME_BITS - 1
MOST_SLOTS = 2 ** (63 - TIME_BITS)
"""Slot and time go into one number that sorts by both."""

_RECENT = 8_192
_FIRST_CAPACITY = 1_024
_TIME, _SLOT, _WEIGHT = range(3)
_BEFORE_ALL = -(2**62)
_MOST_CURSORS = 4
_FAR_EVENTS = 16_384


class SlidingSums:
    """Weighted events by slot, and what they add up to some way behind a time that moves on.

    Where a window begins and ends lies a fixed way behind a record's time. A cursor keeps the sums
    of all slots for each of these ways at one time. It goes to the oldest time of a block by
    adding, or taking back, the events between; the events of the block's own span are looked up.
    So an event is added once for each way, instead of being searched for by each record.

    Times that are far apart, as those of partitions of which one lags, have cursors of their own.
    New events are not sorted in before a time reaches them, which takes the delay of the labels
    where time goes on. 24 bytes an event, 8 bytes a slot, way and cursor.

    Args:
        behind_ms: the ways in milliseconds, ascending.

    >>> sums = SlidingSums((10, 30)); sums.add(np.zeros(2, np.int64), np.array([5, 9]), [1, 2])
    >>> sums.up_to(np.array([0, 0, 1]), np.array([15, 35, 40])).tolist()
    [[1, 3, 0], [0, 1, 0]]
    """

    def __init__(self, behind_ms: tuple[int, ...]) -> None:
        self._behind_ms = behind_ms
        self._room = np.zeros((3, _FIRST_CAPACITY), np.int64)
        self._begin = self._end = 0
        self._new: list[Ints] = []
        self._oldest_new_ms: list[int] = []
        self._slots = 0
        self._cursors: list[_Cursor] = []

    def __len__(self) -> int:
        """The number of events."""
        return self._end - self._begin + sum(len(new[_TIME]) for new in self._new)

    def add(self, slots: Ints, times: Ints, weights: Ints) -> None:
        """Adds events, (n,) each."""
        if not len(slots):
            return
        new = np.array([np.clip(times, 0, LATEST_MS), slots, weights])
        if self._new and self._new[-1].shape[1] + len(slots) <= _RECENT:
            # A slow stream would leave an array a block.
            new = np.concatenate([self._new.pop(), new], axis=1)
            self._oldest_new_ms.pop()
        self._wait(new)
        self._slots = max(self._slots, int(slots.max()) + 1)

    def up_to(self, slots: Ints, times: Ints) -> Ints:
        """Sums of each slot's events at or before the time less each way, (ways, n).

        Args:
            slots: ascending, (n,).
            times: in milliseconds, (n,).
        """
        found = np.zeros((len(self._behind_ms), len(slots)), np.int64)
        if not len(slots):
            return found
        times = np.minimum(times, LATEST_MS)
        self._sort(int(times.max()) - self._behind_ms[0])
        self._slots = max(self._slots, int(slots[-1]) + 1)
        for part in self._apart(times):
            found[:, part] = self._near(slots[part], times[part])
        return found

    def drop(self, floor_ms: int) -> None:
        """Drops events at or before the floor."""
        gone = int(np.searchsorted(self._events[_TIME], floor_ms, side="right"))
        for cursor in self._cursors:
            cursor.resize(self._slots)
            # All ways have passed what is dropped: no window that is asked for later holds it.
            for way in range(len(self._behind_ms)):
                cursor.add(way, self._events[:, self._passed(cursor.at_ms, way) : gone], 1)
        self._begin += gone
        if min(self._oldest_new_ms, default=LATEST_MS) <= floor_ms:
            waiting, self._new, self._oldest_new_ms = self._new, [], []
            for new in waiting:
                self._wait(new[:, new[_TIME] > floor_ms])

    def renumber(self, kept: Ints) -> None:
        """Gives slots the numbers of their places here, ascending; the others have no events."""
        self._slots = max(self._slots, int(kept.max(initial=-1)) + 1)
        number = np.zeros(self._slots, np.int64)
        number[kept] = np.arange(len(kept))
        for events in (self._events, *self._new):
            events[_SLOT] = number[events[_SLOT]]
        for cursor in self._cursors:
            cursor.resize(self._slots)
            cursor.sums = cursor.sums[:, kept]
        self._slots = len(kept)

    @property
    def _events(self) -> Ints:
        """Events in order of time, (3, n)."""
        return self._room[:, self._begin : self._end]

    def _wait(self, new: Ints) -> None:
        if new.shape[1]:
            self._new.append(new)
            self._oldest_new_ms.append(int(new[_TIME].min()))

    def _passed(self, time_ms: int, way: int) -> int:
        """How many events lie at or before a time less a way."""
        behind_ms = self._behind_ms[way]
        return int(np.searchsorted(self._events[_TIME], time_ms - behind_ms, side="right"))

    def _sort(self, newest_ms: int) -> None:
        """Sorts those new events in that lie at or before the time, and some more with them."""
        is_due = [oldest <= newest_ms for oldest in self._oldest_new_ms]
        if not any(is_due):
            return
        due = [new for new, now in zip(self._new, is_due, strict=True) if now]
        rest = [new for new, now in zip(self._new, is_due, strict=True) if not now]
        self._new, self._oldest_new_ms = [], []
        for new in rest:
            self._wait(new)
        added = _by_time(np.concatenate(due, axis=1))
        for cursor in self._cursors:
            cursor.resize(self._slots)
            for way, behind_ms in enumerate(self._behind_ms):
                passed = int(np.searchsorted(added[_TIME], cursor.at_ms - behind_ms, side="right"))
                cursor.add(way, added[:, :passed], 1)
        after = int(np.searchsorted(self._events[_TIME], added[_TIME, 0], side="right"))
        later = self._events[:, after:]
        if later.shape[1]:
            added = _by_time(np.concatenate([later, added], axis=1))
        end = self._begin + after + added.shape[1]
        if end > self._room.shape[1]:
            earlier = self._events[:, :after]
            end -= self._begin
            self._room = grown(earlier, 3 * end // 2, 0)
            self._begin = 0
        self._end = end
        self._room[:, end - added.shape[1] : end] = added

    def _apart(self, times: Ints) -> list[Ints | slice]:
        """Places of times (n,) by groups with many events between one and the next."""
        few = max(_FAR_EVENTS, 2 * len(times))
        oldest, newest = (self._passed(int(at), 0) for at in (times.min(), times.max()))
        if newest - oldest <= few:
            return [slice(None)]
        order = np.argsort(times)
        passed = np.searchsorted(self._events[_TIME], times[order] - self._behind_ms[0])
        ends = np.flatnonzero(np.diff(passed) > few) + 1
        return [np.sort(part) for part in np.split(order, ends)]

    def _near(self, slots: Ints, times: Ints) -> Ints:
        """As `up_to`, for times that one cursor is moved to."""
        oldest_ms, newest_ms = int(times.min()), int(times.max())
        found = self._moved(oldest_ms).sums[:, slots]
        asked = (slots << TIME_BITS) + (times - oldest_ms)
        first = np.diff(slots, prepend=-1) != 0
        group = np.cumsum(first) - 1
        for way, behind_ms in enumerate(self._behind_ms):
            span = slice(self._passed(oldest_ms, way), self._passed(newest_ms, way))
            time, slot, weight = self._events[:, span]
            if len(time):
                # They are in order of time already.
                order, slot = stable_sort(slot)
                at = (slot << TIME_BITS) + (time + (behind_ms - oldest_ms))[order]
                sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(weight[order])])
                before = sums[np.searchsorted(slot, slots[first])]
                found[way] += sums[np.searchsorted(at, asked, side="right")] - before[group]
        return found

    def _moved(self, to_ms: int) -> "_Cursor":
        """The cursor of a time: the nearest one, or a copy of it where that is far away."""
        if not self._cursors:
            ways = len(self._behind_ms)
            self._cursors = [_Cursor(_BEFORE_ALL, np.zeros((ways, 0), np.int64))]
        goal = self._passed(to_ms, 0)
        far = [abs(self._passed(cursor.at_ms, 0) - goal) for cursor in self._cursors]
        cursor = self._cursors[int(np.argmin(far))]
        if min(far) > _FAR_EVENTS and cursor.at_ms > _BEFORE_ALL:
            cursor = _Cursor(cursor.at_ms, cursor.sums.copy())
        # The one that was not asked for longest comes first.
        others = [other for other in self._cursors if other is not cursor]
        self._cursors = [*others[1 - _MOST_CURSORS :], cursor]
        cursor.resize(self._slots)
        for way in range(len(self._behind_ms)):
            now, then = self._passed(cursor.at_ms, way), self._passed(to_ms, way)
            between = self._events[:, min(now, then) : max(now, then)]
            cursor.add(way, between, 1 if now < then else -1)
        cursor.at_ms = to_ms
        return cursor


@dataclass
class _Cursor:
    """Sums of all slots for each way at one time.

    Attributes:
        at_ms: the time.
        sums: of the events at or before the time less the way, and of dropped ones; (ways, slots).
    """

    at_ms: int
    sums: Ints

    def resize(self, slots: int) -> None:
        """Makes room for so many slots."""
        if slots > self.sums.shape[1]:
            self.sums = grown(self.sums, max(slots, 2 * self.sums.shape[1]), 0)

    def add(self, way: int, events: Ints, sign: int) -> None:
        """Adds events (3, n) to the sums of a way, or takes them back."""
        np.add.at(self.sums[way], events[_SLOT], sign * events[_WEIGHT])


def _by_time(events: Ints) -> Ints:
    found: Ints = events[:, np.argsort(events[_TIME])]
    return found
