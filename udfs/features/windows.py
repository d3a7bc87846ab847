"""Exact windows (t - w, t] per entity key: count and sum over the events known so far."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.features.chains import NONE, EventChains, Ints, grown, lowered
from udfs.features.key_index import KeyIndex
from udfs.features.lengths import require_windows
from udfs.features.ordering import stable_sort
from udfs.features.singles import Singles
from udfs.features.values import Columns, WindowValues

_BLOCK_RECORDS = 128
_ROUND_RECORDS = 20
_FIRST_CAPACITY = 64
_ALWAYS = -(2**62)


@dataclass(frozen=True)
class WindowedAggregate:
    """Count and sum of an integer column per entity key over exact windows (t - w, t].

    Attributes:
        name: how features and state name this fold, for example `customer`.
        key: the record field that holds the entity key.
        value: the record field that is summed (an integer, for money in cents).
        windows_ms: window lengths in milliseconds, ascending.
    """

    name: str
    key: str
    value: str
    windows_ms: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuses windows that have no length or order.

        Raises:
            UseCaseError: they are no tuple of whole milliseconds from 1 on, in ascending order.
        """
        require_windows(self.name, self.windows_ms)

    @property
    def values(self) -> tuple[str, ...]:
        """The one column that is stored with each event."""
        return (self.value,)

    def start(self, lateness_ms: int) -> "WindowFold":
        """The windows without any event; gives `WindowValues`."""
        return WindowFold(self, lateness_ms)


class WindowFold:
    """Folds blocks of events into window counts and sums, exactly, in order of arrival.

    A record sees the events of its key that arrived before it and itself, with event time in
    (t - w, t]: also when it is late.

    The events of a key form a chain in time order. For each window a key has the first event
    inside, how many there are and their sum; a newer event joins the end of the chain and moves
    the beginnings on. Records of different keys do so together, in numpy: a block is taken apart
    into rounds that hold no key twice. Late records, and what a hot key leaves after some rounds,
    go one by one.

    Memory: 24 bytes an event of the longest window plus the lateness, about 200 bytes a key. Sums
    are int64.

    >>> fold = WindowFold(WindowedAggregate("c", "id", "cents", (10, 100)), lateness_ms=50)
    >>> times = np.array([100, 105, 106, 112])
    >>> fold.rows(np.array([7, 7, 8, 7]), times, np.array([5, 6, 1, 7]), times).tolist()
    [[1, 1, 1, 5, 5], [2, 2, 2, 11, 11], [1, 1, 1, 1, 1], [3, 2, 3, 13, 18]]
    """

    def __init__(self, aggregate: WindowedAggregate, lateness_ms: int) -> None:
        self.aggregate = aggregate
        self.keep_ms = max(aggregate.windows_ms) + lateness_ms
        self._windows = aggregate.windows_ms
        self._lengths = np.array(self._windows)[:, None]
        self._chains = EventChains()
        self._slots = KeyIndex()
        shape = (len(self._windows), _FIRST_CAPACITY)
        self._seen = np.zeros(_FIRST_CAPACITY, dtype=np.int64)
        self._last = np.full(_FIRST_CAPACITY, NONE, dtype=np.int32)
        self._first = np.full(shape, NONE, dtype=np.int32)
        self._count, self._total = np.zeros((2, *shape), dtype=np.int64)

    def __len__(self) -> int:
        """The number of keys with events."""
        return len(self._slots)

    def update(
        self, keys: Ints, times: Ints, values: Columns, newest: Ints
    ) -> tuple[Ints, WindowValues]:
        """Sequence numbers (n,) and window values of a block; see `RunningFold.update`."""
        rows = self.rows(keys, times, values[self.aggregate.value], newest)
        width = len(self._windows)
        return rows[:, 0], WindowValues(rows[:, 1 : 1 + width], rows[:, 1 + width :])

    def rows(self, keys: Ints, times: Ints, values: Ints, newest: Ints) -> Ints:
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
        slots = self._slots_of(keys)
        floors = newest - self.keep_ms
        first = self._chains.append(times, values)
        rows = np.empty((1 + 2 * len(self._windows), len(keys)), dtype=np.int64)
        rounds, rest = _rounds(slots)
        for places in rounds:
            self._round(slots, first, places, floors, rows)
        if len(rest):
            self._one_by_one(slots, first, rest, floors, rows)
        return rows.T

    def load(self, keys: Ints, times: Ints, values: Columns, sequences: Ints) -> None:
        """Puts back events that were folded before, in their order of arrival; all (n,)."""
        self.rows(keys, times, values[self.aggregate.value], np.full(len(keys), _ALWAYS))
        self._seen[self._slots_of(keys)] = sequences

    def forget(self, floor_ms: int) -> None:
        """Drops events at or before `floor_ms` once they are many; no result changes by it."""
        expired = self._chains.expired(floor_ms)
        if 2 * expired < self._chains.size:
            return
        alive = self._last[: len(self)] >= expired
        kept = np.flatnonzero(alive)
        # Rows of windows stay contiguous: `_enter` writes through a flat view of them.
        first = self._first.take(kept, axis=1)
        count, total = self._count.take(kept, axis=1), self._total.take(kept, axis=1)
        floors = np.full(first.size, floor_ms)
        self._leave(first.reshape(-1), count.reshape(-1), total.reshape(-1), floors)
        self._chains.drop(expired)
        self._slots.keep(kept)
        self._first, self._count, self._total = lowered(first, expired), count, total
        self._seen, self._last = self._seen[kept], lowered(self._last[kept], expired)

    def _slots_of(self, keys: Ints) -> Ints:
        """Each key's column in the state, new keys included."""
        found = self._slots.places(keys)
        if len(self) > len(self._last):
            capacity = max(len(self), 2 * len(self._last))
            self._seen, self._last = grown(self._seen, capacity, 0), grown(self._last, capacity, -1)
            self._first = grown(self._first, capacity, NONE)
            self._count = grown(self._count, capacity, 0)
            self._total = grown(self._total, capacity, 0)
        return found

    def _round(
        self, all_slots: Ints, first: int, place: Ints, all_floors: Ints, rows: Ints
    ) -> None:
        """Folds the records at `place` in the block, no two of the same key."""
        chains = self._chains
        last, times = self._last[all_slots[place]], chains.time[first + place]
        before = np.where(last == NONE, _ALWAYS, chains.time[last])
        joins = (times >= before) & (times > all_floors[place])
        if not joins.all():
            self._one_by_one(all_slots, first, place[~joins], all_floors, rows)
            place, last, before, times = place[joins], last[joins], before[joins], times[joins]
        slots, floors, position = all_slots[place], all_floors[place], first + place
        chains.prev[position] = last
        chains.next[last[last != NONE]] = position[last != NONE]
        self._last[slots] = position
        self._seen[slots] = rows[0, place] = np.where(before <= floors, 0, self._seen[slots]) + 1
        self._enter(slots, place, position, np.maximum(times - self._lengths, floors), rows)

    def _enter(self, slots: Ints, place: Ints, position: Ints, bounds: Ints, rows: Ints) -> None:
        """Counts events (m,) of as many slots in all windows, whose bounds are (w, m)."""
        width, capacity = self._count.shape
        at = (capacity * np.arange(width)[:, None] + slots).ravel()
        first, count, total = (each.reshape(-1) for each in (self._first, self._count, self._total))
        head, own = first.take(at), np.tile(position, width)
        head = np.where(head == NONE, own, head)
        counts, totals = count.take(at) + 1, total.take(at) + self._chains.value.take(own)
        self._leave(head, counts, totals, bounds.ravel())
        first[at], count[at], total[at] = head, counts, totals
        into = (rows.shape[1] * np.arange(1, 1 + 2 * width)[:, None] + place).ravel()
        rows.reshape(-1)[into] = np.concatenate((counts, totals))

    def _leave(
        self, head: NDArray[np.integer[Any]], counts: Ints, totals: Ints, bounds: Ints
    ) -> None:
        """Moves windows (m,) on to their first event later than the bound, in place."""
        time, value, following = self._chains.time, self._chains.value, self._chains.next
        moves = np.flatnonzero((head != NONE) & (time.take(head) <= bounds))
        while len(moves):
            leaving = head.take(moves)
            counts[moves] -= 1
            totals[moves] -= value.take(leaving)
            head[moves] = beyond = following.take(leaving)
            moves = moves[(beyond != NONE) & (time.take(beyond) <= bounds.take(moves))]

    def _one_by_one(self, slots: Ints, first: int, places: Ints, floors: Ints, rows: Ints) -> None:
        """Folds the records at these places of the block, whatever their times and keys."""
        singles = Singles(
            self._chains,
            seen=self._seen,
            last=self._last,
            first=self._first,
            count=self._count,
            total=self._total,
        )
        add, windows = singles.add, self._windows
        records = zip(
            slots[places].tolist(), (places + first).tolist(), floors[places].tolist(), strict=True
        )
        found = [add(slot, position, floor, windows) for slot, position, floor in records]
        rows[:, places] = np.array(found, dtype=np.int64).T


def _rounds(slots: Ints) -> tuple[list[Ints], Ints]:
    """Places of a block in rounds without a slot twice, a slot's own in order of arrival.

    Returns:
        The rounds that are worth numpy's overhead, and what is left, in order of arrival: all of
        a small block, and what a hot key has more than the others.
    """
    if len(slots) < _BLOCK_RECORDS:
        return [], np.arange(len(slots))
    order, ordered = stable_sort(slots)
    starts = np.flatnonzero(np.diff(ordered, prepend=NONE))
    rank = np.arange(len(slots)) - np.repeat(starts, np.diff(starts, append=len(slots)))
    sizes = np.bincount(rank)
    count = int((sizes >= _ROUND_RECORDS).sum())
    by_rank = order[stable_sort(rank)[0]]
    parts = np.split(by_rank, np.cumsum(sizes)[:count])
    return parts[:count], np.sort(parts[count])
