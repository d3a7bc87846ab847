"""The newest events of many keys, each key's side by side in order of arrival."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_SMALLEST = 8
_NEVER = -(2**62)


class Histories:
    """Times and rows of the events that each key had last.

    A key owns a run of places in one pool of arrays. When its run is full, what has expired
    leaves, or the key moves to a run twice as long at the end of the pool.

    Args:
        width: of a row.

    Attributes:
        times: event times of the pool, int64.
        rows: rows of the pool, int32 (places, width).
    """

    def __init__(self, width: int) -> None:
        self.times: Ints = np.empty(0, dtype=np.int64)
        self.rows: NDArray[np.int32] = np.empty((0, width), dtype=np.int32)
        self._slots: dict[int, int] = {}
        self._start: list[int] = []
        self._room: list[int] = []
        self._alive: list[int] = []  # expired events before it in the run
        self._used: list[int] = []
        self._newest: list[int] = []
        self._seen: list[int] = []
        self._end = 0

    def __len__(self) -> int:
        """The number of keys."""
        return len(self._slots)

    def append(
        self, keys: Ints, times: Ints, rows: NDArray[np.int32], floors: Ints
    ) -> tuple[Ints, Ints, Ints]:
        """Adds n events in order of arrival.

        Args:
            keys: entity keys, (n,).
            times: event times in milliseconds, (n,).
            rows: what is kept of each, (n, width).
            floors: events at or before it are not needed by the record any more, (n,).

        Returns:
            The event's place in the pool, how many events of the key up to it stand there side
            by side, expired ones perhaps among them, and the key's sequence number, which is 1
            again once all its events have expired; (n,) each.
        """
        slots = self._reserve(keys, floors)
        offsets, lengths, sequences = [], [], []
        used, newest, seen = self._used, self._newest, self._seen
        for slot, time, floor in zip(slots, times.tolist(), floors.tolist(), strict=True):
            seen[slot] = 1 if newest[slot] <= floor else seen[slot] + 1
            newest[slot] = max(newest[slot], time)
            offsets.append(self._start[slot] + used[slot])
            used[slot] += 1
            lengths.append(used[slot] - self._alive[slot])
            sequences.append(seen[slot])
        places = np.array(offsets, dtype=np.int64)
        self.times[places], self.rows[places] = times, rows
        return places, np.array(lengths, dtype=np.int64), np.array(sequences, dtype=np.int64)

    def set_seen(self, keys: Ints, sequences: Ints) -> None:
        """Lets the keys' sequence numbers go on from these, (n,)."""
        for key, sequence in zip(keys.tolist(), sequences.tolist(), strict=True):
            self._seen[self._slots[key]] = sequence

    def forget(self, floor_ms: int) -> None:
        """Drops keys that had no event later than `floor_ms`, once they are many."""
        kept = [(key, slot) for key, slot in self._slots.items() if self._newest[slot] > floor_ms]
        if 2 * len(kept) > len(self._slots):
            return
        slots = [slot for _, slot in kept]
        self._slots = {key: place for place, (key, _) in enumerate(kept)}
        for name in ("_start", "_room", "_alive", "_used", "_newest", "_seen"):
            column: list[int] = getattr(self, name)
            setattr(self, name, [column[slot] for slot in slots])
        self._pack(0)

    def _reserve(self, keys: Ints, floors: Ints) -> list[int]:
        """The keys' slots; every key has room for its events of the block."""
        slots, known = [], self._slots
        expected: dict[int, int] = {}
        for key, floor in zip(keys.tolist(), floors.tolist(), strict=True):
            slot = known.setdefault(key, len(known))
            if slot == len(self._start):
                self._open()
            if slot not in expected:
                self._advance(slot, floor)
            expected[slot] = expected.get(slot, 0) + 1
            slots.append(slot)
        for slot, count in expected.items():
            if self._used[slot] + count > self._room[slot]:
                self._make_room(slot, count)
        return slots

    def _open(self) -> None:
        for column in (self._start, self._room, self._alive, self._used, self._seen):
            column.append(0)
        self._newest.append(_NEVER)

    def _advance(self, slot: int, floor: int) -> None:
        """Counts the events at the beginning of the run that have expired."""
        times, start, used = self.times, self._start[slot], self._used[slot]
        alive = self._alive[slot]
        while alive < used and times[start + alive] <= floor:
            alive += 1
        self._alive[slot] = alive

    def _make_room(self, slot: int, count: int) -> None:
        """Moves the key's living events so that `count` more fit behind them."""
        start, alive, used = self._start[slot], self._alive[slot], self._used[slot]
        living = used - alive
        room = self._room[slot]
        if 2 * (living + count) > room:
            room = max(2 * (living + count), _SMALLEST)
            if self._end + room > len(self.times):
                self._pack(room)
                start = self._start[slot]
            self._start[slot], self._room[slot] = self._end, room
            self._end += room
        source, target = slice(start + alive, start + used), self._start[slot]
        self.times[target : target + living] = self.times[source].copy()
        self.rows[target : target + living] = self.rows[source].copy()
        self._alive[slot], self._used[slot] = 0, living

    def _pack(self, room: int) -> None:
        """Closes the gaps of the pool, and leaves `room` and half as much again behind it."""
        starts = np.array(self._start, dtype=np.int64)
        rooms = np.array(self._room, dtype=np.int64)
        ends = np.cumsum(rooms)
        moved = np.arange(ends[-1] if len(ends) else 0)
        moved += np.repeat(starts - (ends - rooms), rooms)
        capacity = len(moved) + len(moved) // 2 + room
        self.times = _moved(self.times, moved, capacity)
        self.rows = _moved(self.rows, moved, capacity)
        self._start, self._end = (ends - rooms).tolist(), len(moved)


def _moved(array: NDArray[Any], places: Ints, capacity: int) -> NDArray[Any]:
    result = np.zeros((capacity, *array.shape[1:]), dtype=array.dtype)
    result[: len(places)] = array[places]
    return result
