"""Counts of records and of their labels over windows that end where labels are known."""

from dataclasses import dataclass

import numpy as np

from udfs.features.chains import grown
from udfs.features.key_index import KeyIndex
from udfs.features.lengths import require_windows
from udfs.features.ordering import stable_sort
from udfs.features.sorted_runs import LATEST_MS, TIME_BITS, Ints, SortedRuns, places
from udfs.features.values import Columns, LabelledValues

LABEL = "label"
"""The column of an event's kind: 0 for a record, else the change of a label, never 0."""

_FIRST_CAPACITY = 64
_NEVER = -1
_ALWAYS = -(2**62)
_FORGET_STEPS = 16
_SILENT_SHARE = 8


@dataclass(frozen=True)
class DelayedWindows:
    """Records, and labels known for them, per entity key over exact windows (t - d - w, t - d].

    Events are records (`label` 0) and changes of labels. The change of a label has the event time
    of its record, counts from its arrival on, and is what the label is now less what it was: 1
    for a record that turns out positive, -1 when that is taken back.

    Attributes:
        name: how features and state name this fold, for example `terminal`.
        key: the record field that holds the entity key.
        windows_ms: window lengths w in milliseconds, ascending.
        delay_ms: d, how long after the event its label is known.
    """

    name: str
    key: str
    windows_ms: tuple[int, ...]
    delay_ms: int

    def __post_init__(self) -> None:
        """Refuses windows that have no length or order.

        Raises:
            UseCaseError: they are no tuple of whole milliseconds from 1 on, in ascending order.
        """
        require_windows(self.name, self.windows_ms)

    @property
    def values(self) -> tuple[str, ...]:
        """The one column that is stored with each event."""
        return (LABEL,)

    def start(self, lateness_ms: int) -> "DelayedFold":
        """The windows without any event; gives `LabelledValues`."""
        return DelayedFold(self, lateness_ms)


class DelayedFold:
    """Folds records and changes of labels, in order of arrival.

    A record sees what arrived before it; itself it never sees, for its own window ends a delay
    before it. So a block asks at once for what was there before it, and then, for those keys alone
    of which a record may see events of the same block, for what came before it there. Memory: 8
    bytes a record, 24 bytes a change of a label, about 100 bytes a key.

    >>> fold = DelayedFold(DelayedWindows("t", "id", (10, 100), delay_ms=50), lateness_ms=5)
    >>> times, keys = np.array([100, 104, 100, 154]), np.array([7, 7, 7, 7])
    >>> _, found = fold.update(keys, times, {"label": np.array([0, 0, 1, 0])}, times)
    >>> found.count.tolist()[-1], found.positive.tolist()[-1]
    ([2, 2], [1, 1])
    """

    def __init__(self, declared: DelayedWindows, lateness_ms: int) -> None:
        self._windows = np.array(declared.windows_ms, np.int64)
        self._delay_ms = declared.delay_ms
        self._reach_ms = declared.delay_ms + max(declared.windows_ms) + lateness_ms
        self.keep_ms: int | None = self._reach_ms
        self._forgotten_ms = _ALWAYS
        self._slots = KeyIndex()
        self._seen = np.zeros(_FIRST_CAPACITY, np.int64)
        self._last = np.full(_FIRST_CAPACITY, _NEVER, np.int64)
        self._events = _Events()

    def __len__(self) -> int:
        """The number of keys with events."""
        return len(self._slots)

    def update(
        self, keys: Ints, times: Ints, values: Columns, newest: Ints
    ) -> tuple[Ints, LabelledValues]:
        """Sequence numbers (n,) and values of a block; see `RunningFold.update`.

        A key's sequence counts its records and changes of labels together. The values of a
        change of a label are 0.
        """
        block = _Block(self._slots_of(keys), times, values[LABEL])
        floors = newest[block.order] - self._reach_ms
        until = np.where(block.labels == 0, block.times - self._delay_ms, _NEVER)
        since = np.minimum(np.maximum(until - self._windows[:, None], floors), until)
        found = self._events.between(block.slots, since, until)
        block.add_earlier(found, since, until)
        sequence = block.sequence(floors, self._seen, self._last)
        self._events.add(block.slots, block.times, block.labels)
        arrived = np.empty(len(keys), np.int64)
        arrived[block.order] = np.arange(len(keys))
        count, positive = (np.ascontiguousarray(each.T).take(arrived, axis=0) for each in found)
        return sequence[arrived], LabelledValues(count, positive)

    def load(self, keys: Ints, times: Ints, values: Columns, sequences: Ints) -> None:
        """Puts back events that were folded before, in their order of arrival; (n,) each."""
        slots = self._slots_of(keys)
        self._events.add(slots, times, values[LABEL])
        self._seen[slots] = sequences
        np.maximum.at(self._last, slots, times)

    def forget(self, floor_ms: int) -> None:
        """Drops events at or before `floor_ms` from time to time; no result changes by it."""
        if floor_ms - self._forgotten_ms < self._reach_ms // _FORGET_STEPS:
            return
        self._forgotten_ms = floor_ms
        count = len(self._slots)
        alive = self._last[:count] > floor_ms
        if count - np.count_nonzero(alive) <= count // _SILENT_SHARE:
            self._events.keep(floor_ms)
            return
        self._events.keep(floor_ms, np.cumsum(alive) - 1)
        self._slots.keep(np.flatnonzero(alive))
        self._seen, self._last = self._seen[:count][alive], self._last[:count][alive]

    def _slots_of(self, keys: Ints) -> Ints:
        """Each key's place in the state, new keys included."""
        found = self._slots.places(keys)
        if len(self._slots) > len(self._last):
            capacity = max(len(self._slots), 2 * len(self._last))
            self._seen = grown(self._seen, capacity, 0)
            self._last = grown(self._last, capacity, _NEVER)
        return found


class _Events:
    """Records, and changes of labels, by slot and time."""

    def __init__(self) -> None:
        self._records, self._labels = SortedRuns(), SortedRuns(weighted=True)

    def add(self, slots: Ints, times: Ints, labels: Ints) -> None:
        """Adds events, (n,) each."""
        at, records = places(slots, np.maximum(times, 0)), labels == 0
        self._records.add(at[records])
        self._labels.add(at[~records], labels[~records])

    def between(self, slots: Ints, since: Ints, until: Ints) -> Ints:
        """Records and sums of labels, (2, w, n), later than `since` and not than `until`.

        Args:
            slots: (n,), fastest where they ascend.
            since: w times for each, (w, n), none later than its `until`.
            until: (n,).
        """
        newest_ms = int(until.max(initial=_NEVER))
        asked = places(slots, since), places(slots, until), newest_ms
        return np.array([each.between(*asked) for each in self._runs])

    def keep(self, floor_ms: int, slot_of: Ints | None = None) -> None:
        """Drops events and gives slots new numbers; see `SortedRuns.keep`."""
        for each in self._runs:
            each.keep(floor_ms, slot_of)

    @property
    def _runs(self) -> tuple[SortedRuns, SortedRuns]:
        return self._records, self._labels


class _Block:
    """Events by slot, those of a slot in order of arrival; `order` are their places before."""

    def __init__(self, slots: Ints, times: Ints, labels: Ints) -> None:
        self.order, self.slots = stable_sort(slots)
        self.times, self.labels = times[self.order], labels[self.order]
        # What `_Events` takes them for.
        self._times = np.clip(self.times, 0, LATEST_MS)
        new = np.ones(len(slots), np.bool_)
        new[1:] = self.slots[1:] != self.slots[:-1]
        self._first = np.flatnonzero(new)
        self._sizes = np.diff(self._first, append=len(slots))
        self._start = np.repeat(self._first, self._sizes)

    def add_earlier(self, found: Ints, since: Ints, until: Ints) -> None:
        """Adds to what `_Events.between` gave, (2, w, n), the events here that came before each.

        Events that no window of their slot reaches are left out. A record with m of the others
        before it asks for them in parts, one for each bit of m: from the highest bit on, each part
        holds as many as its bit says. All records ask for their parts of one size at once.
        """
        oldest = np.minimum.reduceat(self._times, self._first)
        newest = np.maximum.reduceat(until, self._first)
        told = np.flatnonzero(self._times <= np.repeat(newest, self._sizes))
        if not len(told):
            return
        asks = np.flatnonzero(until >= np.repeat(oldest, self._sizes))
        before = np.zeros(len(until), np.int64)
        before[told] = 1
        before = np.cumsum(before) - before
        before -= before[self._start]
        bit = 1
        while len(asks := asks[before[asks] >= bit]):
            some = self._start + before - before % (2 * bit)
            first, second = told[before[told] & bit == 0], asks[before[asks] & bit != 0]
            events = _Events()
            events.add(some[first], self._times[first], self.labels[first])
            found[..., second] += events.between(some[second], since[:, second], until[second])
            bit *= 2

    def sequence(self, floors: Ints, seen: Ints, last: Ints) -> Ints:
        """Sequence numbers (n,); writes what they go on from to `seen` and `last`."""
        slots, start, at = self.slots, self._start, np.arange(len(self.slots))
        newest, numbers = last[slots], seen[slots] + at - start + 1
        if (newest <= floors).any():
            rising = np.maximum.accumulate((slots << TIME_BITS) + self._times) & LATEST_MS
            newest[1:] = np.where(
                start[1:] == at[1:], newest[1:], np.maximum(newest[1:], rising[:-1])
            )
            again = np.maximum.accumulate(np.where(newest <= floors, at, _NEVER))
            numbers = np.where(again >= start, at - again + 1, numbers)
        each, ends = slots[self._first], self._first + self._sizes - 1
        seen[each] = numbers[ends]
        last[each] = np.maximum(last[each], np.maximum.reduceat(self._times, self._first))
        return numbers
