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
    found: Ints = (slots << TIME_BITS) + np.clip(times, -1, LATEST_MS)
    return found


class SortedRuns:
    """Events, sorted by slot and time; each counts as one, or as its weight.

    A large run and a small one: what is new is merged into the small run, and the small one into
    the large one when it has grown, so that an event is moved a few times only. New events are
    not sorted in before a window reaches them, which takes the delay of the labels where time
    goes on. 8 bytes an event, 24 with a weight.

    Args:
        weighted: whether events come with weights.

    >>> runs = SortedRuns(weighted=True)
    >>> runs.add(places(np.array([0, 0]), np.array([5, 9])), np.array([1, 2]))
    >>> begins, ends = (places(np.array([0]), np.array(at)) for at in ([[5], [4]], [9]))
    >>> runs.between(begins, ends, newest_ms=9).tolist()
    [[2], [3]]
    """

    def __init__(self, *, weighted: bool = False) -> None:
        none = np.empty(0, np.int64)
        self._none = _Run(none, none if weighted else None)
        self._runs = [self._none, self._none]
        self._new: list[_Run] = []

    def __len__(self) -> int:
        """The number of events."""
        return sum(len(run.places) for run in [*self._runs, *self._new])

    def add(self, at: Ints, weights: Ints | None = None) -> None:
        """Adds events at `places`, (n,), and their weights, (n,), where they have any."""
        if len(at):
            new = _Run(at, weights, int((at & LATEST_MS).min()))
            if self._new and len(self._new[-1].places) + len(at) <= _RECENT:
                # A slow stream would leave a run a block.
                new = _joined([self._new.pop(), new])
            self._new.append(new)

    def between(self, since: Ints, until: Ints, newest_ms: int) -> Ints:
        """Sums of the events after one of `places` and not after another of the same slot.

        Fastest where the slots ascend.

        Args:
            since: w places for each, (w, n), each window's at or before those of the windows
                before it, and none later than its `until`.
            until: (n,).
            newest_ms: no `until` is later.

        Returns:
            The sums, (w, n).
        """
        found = np.zeros(since.shape, np.int64)
        self._sort(newest_ms)
        for run in self._runs:
            if run.oldest_ms <= newest_ms:
                run.add_between(found, since, until)
        return found

    def keep(self, floor_ms: int, slot_of: Ints | None = None) -> None:
        """Drops events at or before the floor and gives slots their new numbers.

        Args:
            floor_ms: time in milliseconds.
            slot_of: new number by old number, ascending; of a slot without later events, any.
                None: they keep their numbers.
        """
        self._runs = [run.kept(floor_ms, slot_of) for run in self._runs]
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
            large, recent = large.merged(recent), self._none
        self._runs = [large, recent]


class _Run:
    """Events and the oldest time among them, or a later one than all that is asked for.

    In order, except those that are new. Without weights each counts as one.
    """

    def __init__(self, at: Ints, weights: Ints | None, oldest_ms: int = LATEST_MS + 1) -> None:
        self.places, self.weights, self.oldest_ms = at, weights, oldest_ms
        self._sums: Ints | None = None

    def merged(self, other: "_Run") -> "_Run":
        """This run, in order, with the events of another in any order."""
        oldest_ms = min(self.oldest_ms, other.oldest_ms)
        if self.weights is None or other.weights is None:
            at = np.concatenate([self.places, np.sort(other.places)])
            # A stable sort merges what is in order, in a third of the time of other ways.
            at.sort(kind="stable")
            return _Run(at, None, oldest_ms)
        order = np.argsort(other.places)
        added = other.places[order]
        spots = np.searchsorted(self.places, added, side="right")
        weights = np.insert(self.weights, spots, other.weights[order])
        return _Run(np.insert(self.places, spots, added), weights, oldest_ms)

    def kept(self, floor_ms: int, slot_of: Ints | None) -> "_Run":
        """The events after the floor under the new numbers of their slots, in the same order."""
        at, weights, oldest_ms = self.places, self.weights, self.oldest_ms
        if oldest_ms <= floor_ms:
            times = at & LATEST_MS
            kept = times > floor_ms
            at, weights = at[kept], None if weights is None else weights[kept]
            oldest_ms = int(times[kept].min(initial=LATEST_MS + 1))
        if slot_of is not None:
            at = places(slot_of[at >> TIME_BITS], at & LATEST_MS)
        return _Run(at, weights, oldest_ms)

    def add_between(self, found: Ints, since: Ints, until: Ints) -> None:
        """Adds the sums of the events between places, (w, n); see `SortedRuns.between`."""
        up_to = self._below(until)
        if self.weights is None:
            for window, begin in enumerate(since):
                found[window] += up_to - self._below(begin)
            return
        # Events with weights are few: many a longest window holds none, and no other does then.
        some = np.flatnonzero(up_to > self._below(since[-1]))
        if not len(some):
            return
        if self._sums is None:
            self._sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.weights)])
        until_sums = self._sums[up_to[some]]
        for window, begin in enumerate(since):
            found[window, some] += until_sums - self._sums[self._below(begin[some])]

    def _below(self, at: Ints) -> Ints:
        """How many events lie at or before each place."""
        found: Ints = np.searchsorted(self.places, at, side="right")
        return found


def _joined(runs: list[_Run]) -> _Run:
    weights = [run.weights for run in runs if run.weights is not None]
    return _Run(
        np.concatenate([run.places for run in runs]),
        np.concatenate(weights) if weights else None,
        min(run.oldest_ms for run in runs),
    )
