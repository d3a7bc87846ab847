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
_FEW = 256
_FORGET_STEPS = 16
_MOST_AFFECTED_SHARE = 16


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
    before it. Most of a block sees nothing of the same block, so the whole block asks two sorted
    arrays at once; what arrived in the block is looked at for those records alone that it matters
    to. Memory: 32 bytes an event, about 100 bytes a key.

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
        self._records, self._labels = SortedRuns(), SortedRuns()

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
        slots, floors = self._slots_of(keys), newest - self._reach_ms
        sequence = np.empty(len(keys), np.int64)
        shape = (len(keys), len(self._windows))
        found = LabelledValues(np.zeros(shape, np.int64), np.zeros(shape, np.int64))
        self._fold(_Block(slots, times, values[LABEL], floors), sequence, found)
        return sequence, found

    def load(self, keys: Ints, times: Ints, values: Columns, sequences: Ints) -> None:
        """Puts back events that were folded before, in their order of arrival; (n,) each."""
        slots = self._slots_of(keys)
        self._add(_Block(slots, times, values[LABEL], times))
        self._seen[slots] = sequences
        np.maximum.at(self._last, slots, times)

    def forget(self, floor_ms: int) -> None:
        """Drops events at or before `floor_ms` from time to time; no result changes by it."""
        if floor_ms - self._forgotten_ms < self._reach_ms // _FORGET_STEPS:
            return
        self._forgotten_ms = floor_ms
        count = len(self._slots)
        alive = self._last[:count] > floor_ms
        slot_of = np.cumsum(alive) - 1
        self._records.keep(floor_ms, slot_of)
        self._labels.keep(floor_ms, slot_of)
        self._slots.keep(np.flatnonzero(alive))
        self._seen, self._last = self._seen[:count][alive], self._last[:count][alive]

    def _fold(self, block: "_Block", sequence: Ints, found: LabelledValues) -> None:
        """Folds a block into its rows of the results, in halves when much of it sees itself."""
        lower, upper = self._bounds(block)
        groups = _Groups(block)
        affected = groups.affected(upper)
        n = len(block.slots)
        if n > _FEW and len(affected) > n // _MOST_AFFECTED_SHARE:
            for part in (slice(0, n // 2), slice(n // 2, n)):
                rows = LabelledValues(found.count[part], found.positive[part])
                self._fold(block[part], sequence[part], rows)
            return
        by_slot = groups.order
        since, until = np.ascontiguousarray(lower[by_slot].T), upper[by_slot]
        for events, values in ((self._records, found.count), (self._labels, found.positive)):
            values[by_slot] = events.between(block.slots[by_slot], since, until).T
        for place in affected.tolist():
            counts = groups.before(place, lower[place], upper[place])
            found.count[place] += counts[0]
            found.positive[place] += counts[1]
        found.count[block.labels != 0] = found.positive[block.labels != 0] = 0
        sequence[:] = groups.sequence(self._seen, self._last)
        self._add(block)

    def _bounds(self, block: "_Block") -> tuple[Ints, Ints]:
        """Begin of each window (n, w) and their common end (n,), never before it."""
        upper = block.times - self._delay_ms
        lower = np.maximum(upper[:, None] - self._windows, block.floors[:, None])
        return np.minimum(lower, upper[:, None]), upper

    def _add(self, block: "_Block") -> None:
        at, labels = places(block.slots, np.maximum(block.times, 0)), block.labels
        records = labels == 0
        self._records.add(at[records], np.ones(int(records.sum()), np.int64))
        self._labels.add(at[~records], labels[~records])

    def _slots_of(self, keys: Ints) -> Ints:
        """Each key's place in the state, new keys included."""
        found = self._slots.places(keys)
        if len(self._slots) > len(self._last):
            capacity = max(len(self._slots), 2 * len(self._last))
            self._seen = grown(self._seen, capacity, 0)
            self._last = grown(self._last, capacity, _NEVER)
        return found


class _Block:
    """Events in order of arrival: slots, times, labels and floors, (n,) each."""

    def __init__(self, slots: Ints, times: Ints, labels: Ints, floors: Ints) -> None:
        self.slots, self.times, self.labels, self.floors = slots, times, labels, floors

    def __getitem__(self, part: slice) -> "_Block":
        """A part of the block."""
        return _Block(self.slots[part], self.times[part], self.labels[part], self.floors[part])


class _Groups:
    """A block by slot, each slot's events in order of arrival; `order` are their places in it."""

    def __init__(self, block: _Block) -> None:
        self._block = block
        self._at = np.arange(len(block.slots))
        self.order, self._slots = stable_sort(block.slots)
        self._times = block.times[self.order]
        first = np.diff(self._slots, prepend=_NEVER) != 0
        self._first = first
        self._start = np.maximum.accumulate(np.where(first, self._at, 0))

    def affected(self, upper: Ints) -> Ints:
        """Places in the block of records that may see events of the same block, (m,)."""
        if not len(self.order):
            return self.order
        # Ever smaller from slot to slot, so that a running minimum begins anew with each.
        falling = (self._slots[-1] - self._slots << TIME_BITS) + np.clip(self._times, 0, LATEST_MS)
        oldest = np.minimum.accumulate(falling) & LATEST_MS
        sees = np.zeros(len(self.order), np.bool_)
        sees[1:] = ~self._first[1:] & (oldest[:-1] <= upper[self.order][1:])
        sees &= self._block.labels[self.order] == 0
        found: Ints = np.sort(self.order[sees])
        return found

    def before(self, place: int, lower: Ints, upper: int) -> tuple[Ints, Ints]:
        """Records and labels, (w,) each, of a record's slot that came before it in the block."""
        block = self._block
        before = np.flatnonzero(block.slots[:place] == block.slots[place])
        times, labels = block.times[before], block.labels[before]
        inside = (times[:, None] > lower) & (times <= upper)[:, None]
        return (inside & (labels == 0)[:, None]).sum(axis=0), labels @ inside

    def sequence(self, seen: Ints, last: Ints) -> Ints:
        """Sequence numbers (n,) of the block; writes what they go on from to `seen` and `last`."""
        slots, at = self._slots, self._at
        rising = np.maximum.accumulate((slots << TIME_BITS) + np.clip(self._times, 0, LATEST_MS))
        newest = last[slots]
        newest[1:] = np.where(
            self._first[1:], newest[1:], np.maximum(newest[1:], rising[:-1] & LATEST_MS)
        )
        silent = newest <= self._block.floors[self.order]
        again = np.maximum.accumulate(np.where(silent, at, _NEVER))
        numbers = np.where(again >= self._start, at - again, seen[slots] + at - self._start) + 1
        ends = np.append(self._first[1:], True)[: len(at)]
        seen[slots[ends]] = numbers[ends]
        last[slots[ends]] = np.maximum(last[slots[ends]], rising[ends] & LATEST_MS)
        found = np.empty(len(at), np.int64)
        found[self.order] = numbers
        return found
