"""Events of many keys in one log, each key's chained in time order; numpy arrays throughout."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

NONE = -1
"""No event: the end of a chain, or a key without one."""

_FIRST_CAPACITY = 1024
_MOST_ROOM = 8


class EventChains:
    """A log of events with links to the neighbours of the same key in time.

    Links lead backwards as far as events are kept, and forwards from any event that is not
    expired. An event takes 24 bytes.

    Attributes:
        size: events in the log.
        time: event times in milliseconds; of the capacity, as the other columns.
        value: values.
        next: position of the key's next event in time.
        prev: position of the one before.
    """

    def __init__(self) -> None:
        self.size = 0
        self.time = np.empty(_FIRST_CAPACITY, dtype=np.int64)
        self.value = np.empty(_FIRST_CAPACITY, dtype=np.int64)
        self.next = np.empty(_FIRST_CAPACITY, dtype=np.int32)
        self.prev = np.empty(_FIRST_CAPACITY, dtype=np.int32)

    def append(self, times: Ints, values: Ints) -> int:
        """Adds events without links; returns the position of the first."""
        first, self.size = self.size, self.size + len(times)
        if self.size > len(self.time):
            capacity = max(self.size, 3 * len(self.time) // 2)
            for column in ("time", "value", "next", "prev"):
                setattr(self, column, grown(getattr(self, column), capacity, 0))
        self.time[first : self.size], self.value[first : self.size] = times, values
        self.next[first : self.size] = self.prev[first : self.size] = NONE
        return first

    def expired(self, floor_ms: int) -> int:
        """How many events from the first on lie at or before the floor."""
        alive = self.time[: self.size] > floor_ms
        return int(alive.argmax()) if alive.any() else self.size

    def drop(self, count: int) -> None:
        """Drops the first events of the log; every position sinks by their number."""
        for column in ("time", "value"):
            setattr(self, column, getattr(self, column)[count : self.size].copy())
        for column in ("next", "prev"):
            links = getattr(self, column)[count : self.size]
            setattr(self, column, lowered(links, count))
        self.size -= count


def grown(array: NDArray[Any], capacity: int, fill: int) -> NDArray[Any]:
    """A copy with so many columns, new ones filled."""
    result = np.full((*array.shape[:-1], capacity), fill, dtype=array.dtype)
    result[..., : array.shape[-1]] = array
    return result


def moved_up(array: NDArray[Any], places: Ints) -> NDArray[Any]:
    """Those at these places (n,) come first; in a smaller array when they leave this one empty.

    >>> moved_up(np.array([5, 6, 7, 8]), np.array([1, 3])).tolist()
    [6, 8, 7, 8]
    """
    kept = array.take(places)
    if _MOST_ROOM * len(kept) < len(array):
        return grown(kept, max(2 * len(kept), _FIRST_CAPACITY), 0)
    array[: len(kept)] = kept
    return array


def lowered(positions: NDArray[np.int32], by: int) -> NDArray[np.int32]:
    """Positions after a drop of so many events; those dropped become `NONE`."""
    return np.where(positions >= by, positions - by, NONE).astype(np.int32)
