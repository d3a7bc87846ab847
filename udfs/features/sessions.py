"""The last items of an entity key's running session, as a padded sequence."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from udfs.features.fold import Ints
from udfs.features.key_index import KeyIndex
from udfs.features.ordering import stable_sort
from udfs.features.values import Columns

NO_ITEM = -1
"""Fills a sequence that is shorter than its columns; no item has this number."""

_NEVER = -(2**62)
_FIRST_CAPACITY = 64


@dataclass(frozen=True)
class SessionItems:
    """The items of the running session of an entity key, newest first.

    A session goes on while a record is at most `gap_ms` after the newest one before it, and ends
    for good once its source partition is further on by the gap and the allowed lateness.

    Attributes:
        name: how features and state name this fold, for example `session`.
        key: the record field that holds the entity key.
        item: the record field of the item, an integer from 0 on.
        gap_ms: silence that ends a session, in milliseconds.
        length: items that are given, at most.
    """

    name: str
    key: str
    item: str
    gap_ms: int
    length: int

    @property
    def values(self) -> tuple[str, ...]:
        """The one column that is stored with each event."""
        return (self.item,)

    def start(self, lateness_ms: int) -> "SessionFold":
        """The fold without any session; gives int64 (n, length), `NO_ITEM` where there is none."""
        return SessionFold(self, lateness_ms)


class SessionFold:
    """Folds blocks of events into sessions, exactly, in order of arrival.

    A record that is older than the running session's newest one by more than the gap is of a
    session before: it sees itself alone and the running one goes on without it. The sequence
    number of a record is its place in its session, from 1, so the log says where sessions begin.

    Keys whose events come in order of time are folded together, in numpy; the others one by one.

    Memory: 8 bytes an item of the sequence, about 60 bytes a key.

    >>> fold = SessionFold(SessionItems("s", "visitor", "item", gap_ms=10, length=2), 0)
    >>> keys, times = np.array([7, 7, 8, 7, 7]), np.array([1, 5, 6, 9, 30])
    >>> sequence, items = fold.update(keys, times, {"item": np.array([3, 4, 5, 6, 7])}, times)
    >>> sequence.tolist(), items.tolist()
    ([1, 2, 1, 3, 1], [[3, -1], [4, 3], [5, -1], [6, 4], [7, -1]])
    """

    def __init__(self, declared: SessionItems, lateness_ms: int) -> None:
        self._declared = declared
        self._gap = declared.gap_ms
        self._closes_ms = declared.gap_ms + lateness_ms
        # Each of the last items lies at most a gap behind the end before it.
        self.keep_ms = (declared.length + 3) * declared.gap_ms + lateness_ms + 1
        self._slots = KeyIndex()
        self._end = np.full(_FIRST_CAPACITY, _NEVER, np.int64)
        self._seen = np.zeros(_FIRST_CAPACITY, np.int64)
        self._items = np.full((_FIRST_CAPACITY, declared.length), NO_ITEM, np.int64)

    def __len__(self) -> int:
        """The number of keys with a session."""
        return len(self._slots)

    def update(self, keys: Ints, times: Ints, values: Columns, newest: Ints) -> tuple[Ints, Ints]:
        """Places in the session (n,) and items (n, length); see `RunningFold.update`."""
        return self._fold(keys, times, values[self._declared.item], newest - self._closes_ms, None)

    def load(self, keys: Ints, times: Ints, values: Columns, sequences: Ints) -> None:
        """Puts back events that were folded before, in their order of arrival; all (n,)."""
        never = np.full(len(keys), _NEVER)
        self._fold(keys, times, values[self._declared.item], never, sequences)

    def forget(self, floor_ms: int) -> None:
        """Drops sessions that ended at or before `floor_ms` once they are half of all."""
        size = len(self._slots)
        alive = self._end[:size] > floor_ms
        if 2 * int(alive.sum()) > size:
            return
        kept = np.flatnonzero(alive)
        self._slots.keep(kept)
        self._end, self._seen = self._end[kept], self._seen[kept]
        self._items = self._items[kept]

    def _slots_of(self, keys: Ints) -> Ints:
        """Each key's row in the state, new keys included."""
        found = self._slots.places(keys)
        missing = len(self) - len(self._end)
        if missing > 0:
            more = max(missing, len(self._end), _FIRST_CAPACITY)
            self._end = np.append(self._end, np.full(more, _NEVER))
            self._seen = np.append(self._seen, np.zeros(more, np.int64))
            empty = np.full((more, self._declared.length), NO_ITEM)
            self._items = np.concatenate([self._items, empty])
        return found

    def _fold(
        self, keys: Ints, times: Ints, items: Ints, floors: Ints, sequences: Ints | None
    ) -> tuple[Ints, Ints]:
        """Folds a block; a session that ended before its record's floor is over.

        `sequences` are those of the first time when events are put back: 1 begins a session.
        """
        n, length = len(keys), self._declared.length
        numbers, rows = np.ones(n, np.int64), np.full((n, length), NO_ITEM, np.int64)
        if not n:
            return numbers, rows
        slots = self._slots_of(keys)
        block = _Block(slots, times, items, floors, sequences, numbers, rows)
        order, ordered = stable_sort(slots)
        group = _Groups(ordered)
        before = np.empty(n, np.int64)
        before[1:] = times[order][:-1]
        before[group.first] = self._end[group.slots]
        behind = np.add.reduceat(times[order] < before, group.first) > 0
        if behind.any():
            odd = np.repeat(behind, group.sizes)
            self._one_by_one(block, np.sort(order[odd]))
            order, before = order[~odd], before[~odd]
            group = _Groups(slots[order])
        if len(order):
            self._together(block, order, before, group)
        return numbers, rows

    def _together(self, block: "_Block", order: Ints, before: Ints, group: "_Groups") -> None:
        """Folds the records at `order`: sorted by key, each key's in order of time.

        `before` is the end of each one's session until then.
        """
        times, place = block.times[order], np.arange(len(order))
        if block.sequences is None:
            starts = (times > before + self._gap) | (before < block.floors[order])
            rank = place - np.repeat(group.first, group.sizes)
            since = np.maximum.accumulate(np.where(starts | (rank == 0), place, 0))
            carried = np.where(starts[since], 0, np.repeat(self._seen[group.slots], group.sizes))
            number = place - since + 1 + carried
        else:
            number = block.sequences[order]
        # Each key's stored items, oldest first, then its new ones: windows over one long row.
        length = self._declared.length
        row = np.empty(len(order) + length * len(group.slots), np.int64)
        at = place + length * np.repeat(np.arange(1, len(group.slots) + 1), group.sizes)
        row[at] = block.items[order]
        row[at[group.first][:, None] - np.arange(1, length + 1)] = self._items[group.slots]
        back = np.arange(length)
        windows = np.where(back < number[:, None], row[at[:, None] - back], NO_ITEM)
        block.numbers[order], block.rows[order] = number, windows
        last = group.first + group.sizes - 1
        self._end[group.slots], self._seen[group.slots] = times[last], number[last]
        self._items[group.slots] = windows[last]

    def _one_by_one(self, block: "_Block", places: Ints) -> None:
        """Folds the records at these places of the block, whatever their times."""
        for place, slot, time, item in block.each(places):
            end = int(self._end[slot])
            if time < end - self._gap:
                block.rows[place, 0] = item
                continue
            if block.sequences is None:
                over = time > end + self._gap or end < block.floors[place]
                number = 1 if over else int(self._seen[slot]) + 1
            else:
                number = int(block.sequences[place])
            session = self._items[slot]
            session[1:] = session[:-1]
            session[0] = item
            session[number:] = NO_ITEM
            self._end[slot] = time if number == 1 else max(end, time)
            self._seen[slot] = block.numbers[place] = number
            block.rows[place] = session


@dataclass(frozen=True)
class _Block:
    """The columns of a block and, as the last two, what is found for it."""

    slots: Ints
    times: Ints
    items: Ints
    floors: Ints
    sequences: Ints | None
    numbers: Ints
    rows: Ints

    def each(self, places: Ints) -> Iterator[tuple[int, int, int, int]]:
        """Place, slot, time and item of some records."""
        columns = (self.slots, self.times, self.items)
        return zip(places.tolist(), *(column[places].tolist() for column in columns), strict=True)


class _Groups:
    """Runs of the same slot among sorted slots."""

    def __init__(self, sorted_slots: Ints) -> None:
        self.first = np.flatnonzero(np.diff(sorted_slots, prepend=-1))
        self.sizes = np.diff(self.first, append=len(sorted_slots))
        self.slots = sorted_slots[self.first]
