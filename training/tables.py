"""Folds over whole tables: the stream's windows, for events that are all there and in order.

Each is the same fold as the running one, in the order (event time, labels first, source
position), and gives the same integers, so the features agree in every bit. Sorted once by key and
time, all windows of all keys are differences of two running sums.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from udfs.features.delayed import DelayedWindows
from udfs.features.values import LabelledValues, WindowValues
from udfs.features.windows import WindowedAggregate

Ints = NDArray[np.int64]

_TIME_BITS = 42
_LATEST_MS = 2**_TIME_BITS - 1


@dataclass(frozen=True)
class LabelChanges:
    """Changes of labels, m of them in any order; every array is int64 of shape (m,).

    Attributes:
        keys: the entity key of the record that a label belongs to.
        times_ms: event time of that record.
        known_ms: from when on the change counts.
        change: what the label is from then on, less what it was.
    """

    keys: Ints
    times_ms: Ints
    known_ms: Ints
    change: Ints


class KeyedTimes:
    """Events of many keys, sorted by key and time.

    Args:
        keys: entity keys, (n,).
        times_ms: event times from 0 to the year 2109, (n,), ascending; those of one time stand
            in the order in which they count.
    """

    def __init__(self, keys: Ints, times_ms: Ints) -> None:
        self._known, slots = np.unique(keys, return_inverse=True)
        places = (slots.astype(np.int64) << _TIME_BITS) + times_ms
        self.order = np.argsort(places, kind="stable")
        self.places = places[self.order]

    @cached_property
    def start(self) -> Ints:
        """For each event in sorted order, the place of its key's first one; (n,)."""
        found: Ints = np.searchsorted(self.places, self.places & ~_LATEST_MS)
        return found

    def until(self, before_ms: int) -> Ints:
        """The first place of each event's key that is later than so long before it; (n,)."""
        found = np.searchsorted(self.places, self.places - before_ms, side="right")
        return np.maximum(found, self.start)

    def first_at(self, keys: Ints, times_ms: Ints) -> Ints:
        """The place of the first event of each key at or after each time; (m,).

        A key without events has the place where the next key begins.
        """
        slots = np.searchsorted(self._known, keys)
        times = np.clip(times_ms, 0, _LATEST_MS)
        return np.searchsorted(self.places, (slots << _TIME_BITS) + times)

    def has(self, keys: Ints) -> NDArray[np.bool_]:
        """Which keys have events; (m,)."""
        return np.isin(keys, self._known)


def window_values(
    declared: WindowedAggregate, keys: Ints, times_ms: Ints, values: Ints
) -> WindowValues:
    """Counts and sums of n events in order; a row sees those before it, and itself.

    >>> declared = WindowedAggregate("c", "id", "cents", (10, 100))
    >>> found = window_values(declared, np.array([7, 7, 8, 7]), np.array([100, 105, 106, 112]),
    ...     np.array([5, 6, 1, 7]))
    >>> found.count.tolist(), found.total.tolist()
    ([[1, 1], [2, 2], [1, 1], [2, 3]], [[5, 5], [11, 11], [1, 1], [13, 18]])
    """
    events = KeyedTimes(keys, times_ms)
    shape = (len(keys), len(declared.windows_ms))
    found = WindowValues(np.empty(shape, np.int64), np.empty(shape, np.int64))
    sums = np.concatenate([[0], np.cumsum(values[events.order])])
    until = np.arange(1, len(keys) + 1)
    for window, length in enumerate(declared.windows_ms):
        since = events.until(length)
        found.count[events.order, window] = until - since
        found.total[events.order, window] = sums[until] - sums[since]
    return found


def delayed_values(
    declared: DelayedWindows, keys: Ints, times_ms: Ints, labels: LabelChanges
) -> LabelledValues:
    """Records and known labels of n events in order, over (t - d - w, t - d].

    A change of a label counts for the events that have its record in their window and are not
    before it was known: a run of events of the key, the first and the last of which are looked
    up.

    >>> declared = DelayedWindows("t", "id", (10, 100), delay_ms=50)
    >>> one = np.array([7])
    >>> labels = LabelChanges(one, np.array([100]), np.array([152]), np.array([1]))
    >>> found = delayed_values(declared, np.array([7, 7, 7]), np.array([100, 151, 154]), labels)
    >>> found.count.tolist(), found.positive.tolist()
    ([[0, 0], [1, 1], [1, 1]], [[0, 0], [0, 0], [1, 1]])
    """
    events = KeyedTimes(keys, times_ms)
    shape = (len(keys), len(declared.windows_ms))
    found = LabelledValues(np.empty(shape, np.int64), np.empty(shape, np.int64))
    until = events.until(declared.delay_ms)
    seen = _of(labels, events.has(labels.keys))
    since_ms = np.maximum(seen.known_ms, seen.times_ms + declared.delay_ms)
    first = events.first_at(seen.keys, since_ms)
    for window, length in enumerate(declared.windows_ms):
        found.count[events.order, window] = until - events.until(declared.delay_ms + length)
        end_ms = np.maximum(seen.times_ms + declared.delay_ms + length, since_ms)
        change = np.zeros(len(keys) + 1, np.int64)
        np.add.at(change, first, seen.change)
        np.subtract.at(change, events.first_at(seen.keys, end_ms), seen.change)
        found.positive[events.order, window] = np.cumsum(change)[:-1]
    return found


def _of(labels: LabelChanges, rows: NDArray[np.bool_]) -> LabelChanges:
    return LabelChanges(
        labels.keys[rows], labels.times_ms[rows], labels.known_ms[rows], labels.change[rows]
    )
