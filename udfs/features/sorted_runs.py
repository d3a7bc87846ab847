"""Events of many keys in sorted arrays: how many lie at or before a time, for many keys at once."""

import numpy as np
from numpy.typing import NDArray

from udfs.errors import DataError

Ints = NDArray[np.int64]

TIME_BITS = 42
"""Times are kept to the year 2109; later ones count as that time."""
LATEST_MS = 2**TIME_BITS - 1
_MOST_SLOTS = 2 ** (63 - TIME_BITS)
_RECENT = 8_192
_RECENT_SHARE = 8


def places(slots: Ints, times: Ints) -> Ints:
    """Slot and time in one number that sorts by both; a time before 1970 is that of no event.

    >>> places(np.array([0, 1]), np.array([7, 7])).tolist()
    [7, 4398046511111]
    """
    if len(slots) and int(slots.max()) >= _MOST_SLOTS:
        raise DataError(f"a shard has more than {_MOST_SLOTS:,} keys: give the job more shards")
    return (slots << TIME_BITS) + np.clip(times, -1, LATEST_MS)


class SortedRuns:
    """Weighted events, sorted by slot and time.

    A large run and a small one: what is new is merged into the small run, and the small one into
    the large one when it has grown, so that an event is moved a few times only. 16 bytes an event.
    """

    def __init__(self) -> None:
        self._runs = [_Run(), _Run()]

    def __len__(self) -> int:
        """The number of events."""
        return sum(len(run.places) for run in self._runs)

    def add(self, at: Ints, weights: Ints) -> None:
        """Adds events at `places`, (n,) each."""
        if len(at):
            large, recent = self._runs
            recent = recent.merged(at, weights)
            if len(recent.places) > max(_RECENT, len(large.places) // _RECENT_SHARE):
                large, recent = large.merged(recent.places, recent.weights), _Run()
            self._runs = [large, recent]

    def below(self, at: Ints) -> Ints:
        """Weights of all events at or before `at` in the order of slots and times, summed up.

        The difference of two times of one slot is the weight of its events between them.
        """
        found = self._runs[0].below(at)
        return found + self._runs[1].below(at) if len(self._runs[1].places) else found

    def keep(self, floor_ms: int, slot_of: Ints) -> None:
        """Drops events at or before the floor and gives slots their new numbers.

        Args:
            floor_ms: time in milliseconds.
            slot_of: new number by old number, ascending; of a slot without later events, any.
        """
        merged = self._runs[0].merged(self._runs[1].places, self._runs[1].weights)
        slots, times = merged.places >> TIME_BITS, merged.places & LATEST_MS
        kept = times > floor_ms
        self._runs = [
            _Run(places(slot_of[slots[kept]], times[kept]), merged.weights[kept]),
            _Run(),
        ]


class _Run:
    """Events in order, with the sums of their weights up to each."""

    def __init__(self, at: Ints | None = None, weights: Ints | None = None) -> None:
        self.places = np.empty(0, np.int64) if at is None else at
        self.weights = np.empty(0, np.int64) if weights is None else weights
        self._sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.weights)])

    def merged(self, at: Ints, weights: Ints) -> "_Run":
        """The run with more events, in any order."""
        joined = np.concatenate([self.places, at])
        order = np.argsort(joined, kind="stable")
        return _Run(joined[order], np.concatenate([self.weights, weights])[order])

    def below(self, at: Ints) -> Ints:
        """Sums of the weights at or before each place."""
        found: Ints = self._sums[np.searchsorted(self.places, at, side="right")]
        return found
