"""Events of many keys in sorted arrays: how many lie between two times, for many keys at once."""

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
    the large one when it has grown, so that an event is moved a few times only. New events are
    not sorted in before a window reaches them, which takes the delay of the labels where time
    goes on. 16 bytes an event.

    >>> runs = SortedRuns(); runs.add(places(np.array([0, 0]), np.array([5, 9])), np.array([1, 2]))
    >>> runs.between(np.array([0]), np.array([[4], [5]]), np.array([9])).tolist()
    [[3], [2]]
    """

    def __init__(self) -> None:
        self._runs = [_Run(), _Run()]
        self._new: list[_Run] = []

    def __len__(self) -> int:
        """The number of events."""
        return sum(len(run.places) for run in [*self._runs, *self._new])

    def add(self, at: Ints, weights: Ints) -> None:
        """Adds events at `places`, (n,) each."""
        if len(at):
            new = _Run(at, weights, int((at & LATEST_MS).min()))
            if self._new and len(self._new[-1].places) + len(at) <= _RECENT:
                # A slow stream would leave a run a block.
                new = _joined([self._new.pop(), new])
            self._new.append(new)

    def between(self, slots: Ints, since: Ints, until: Ints) -> Ints:
        """Weights of the events of each slot that are later than one time and not than another.

        Fastest where the slots ascend.

        Args:
            slots: (n,).
            since: w times for each, (w, n), none later than its `until`.
            until: (n,).

        Returns:
            The sums, (w, n).
        """
        found = np.zeros(since.shape, np.int64)
        newest_ms = int(until.max(initial=-1))
        self._sort(newest_ms)
        runs = [run for run in self._runs if run.oldest_ms <= newest_ms]
        if runs:
            ends = places(slots, until)
            begins = [places(slots, each) for each in since]
            for run in runs:
                up_to = run.below(ends)
                for window, begin in enumerate(begins):
                    found[window] += up_to - run.below(begin)
        return found

    def keep(self, floor_ms: int, slot_of: Ints) -> None:
        """Drops events at or before the floor and gives slots their new numbers.

        Args:
            floor_ms: time in milliseconds.
            slot_of: new number by old number, ascending; of a slot without later events, any.
        """
        large, recent = self._runs
        self._runs = [large.merged(recent).kept(floor_ms, slot_of), _Run()]
        self._new = [run.kept(floor_ms, slot_of) for run in self._new]

    def _sort(self, newest_ms: int) -> None:
        """Sorts those new events in that lie at or before the time, and some more with them."""
        due = [run for run in self._new if run.oldest_ms <= newest_ms]
        if not due:
            return
        self._new = [run for run in self._new if run.oldest_ms > newest_ms]
        large, recent = self._runs
        recent = recent.merged(_joined(due))
        if len(recent.places) > max(_RECENT, len(large.places) // _RECENT_SHARE):
            large, recent = large.merged(recent), _Run()
        self._runs = [large, recent]


class _Run:
    """Events and the oldest time among them, or a later one than all that is asked for.

    In order, except those that are new.
    """

    def __init__(
        self, at: Ints | None = None, weights: Ints | None = None, oldest_ms: int = LATEST_MS + 1
    ) -> None:
        self.places = np.empty(0, np.int64) if at is None else at
        self.weights = np.empty(0, np.int64) if weights is None else weights
        self.oldest_ms = oldest_ms
        self._sums: Ints | None = None

    def merged(self, other: "_Run") -> "_Run":
        """This run, in order, with the events of another in any order."""
        order = np.argsort(other.places)
        added = other.places[order]
        spots = np.searchsorted(self.places, added, side="right") + np.arange(len(added))
        stay = np.ones(len(self.places) + len(added), np.bool_)
        stay[spots] = False
        at, weights = np.empty(len(stay), np.int64), np.empty(len(stay), np.int64)
        at[spots], weights[spots] = added, other.weights[order]
        at[stay], weights[stay] = self.places, self.weights
        return _Run(at, weights, min(self.oldest_ms, other.oldest_ms))

    def kept(self, floor_ms: int, slot_of: Ints) -> "_Run":
        """The events after the floor under the new numbers of their slots, in the same order."""
        slots, times = self.places >> TIME_BITS, self.places & LATEST_MS
        kept = times > floor_ms
        at = places(slot_of[slots[kept]], times[kept])
        return _Run(at, self.weights[kept], int(times[kept].min(initial=LATEST_MS + 1)))

    def below(self, at: Ints) -> Ints:
        """Sums of the weights at or before each place."""
        if self._sums is None:
            self._sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.weights)])
        found: Ints = self._sums[np.searchsorted(self.places, at, side="right")]
        return found


def _joined(runs: list[_Run]) -> _Run:
    return _Run(
        np.concatenate([run.places for run in runs]),
        np.concatenate([run.weights for run in runs]),
        min(run.oldest_ms for run in runs),
    )
