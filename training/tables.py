"""Folds over whole tables: the stream's windows, for events that are all there and in order.

Each is the same fold as the running one, in the order (event time, labels first, source
position), and gives the same integers, so the features agree in every bit. Sorted once by key and
time, all windows of all keys are differences of two running sums.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from udfs.errors import DataError
from udfs.features.delayed import DelayedWindows
from udfs.features.ordering import limit, stable_sort
from udfs.features.values import LabelledValues, WindowValues
from udfs.features.windows import WindowedAggregate

Ints = NDArray[np.int64]

_WORD_BITS = 63


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
        times_ms: event times, (n,), ascending; those of one time stand in the order in which
            they count.

    Attributes:
        order: where each event in sorted order stood, (n,).

    Raises:
        DataError: a number of 63 bits cannot hold a key's number and a time.
    """

    def __init__(self, keys: Ints, times_ms: Ints) -> None:
        self.order, self._first, self._known = _by_key(keys)
        self._zero_ms = int(times_ms[0]) if len(times_ms) else 0
        self._span_ms = int(times_ms[-1]) - self._zero_ms + 1 if len(times_ms) else 1
        self._bits = self._span_ms.bit_length()
        if len(self._known).bit_length() + self._bits > _WORD_BITS:
            raise DataError(
                f"{len(self._known):,} keys over {self._span_ms:,} ms are too many at once"
            )
        slots = np.cumsum(self._first) - 1
        self._places: Ints = (slots << self._bits) + (times_ms[self.order] - self._zero_ms)

    def since(self, before_ms: int, at: Ints) -> Ints:
        """Of the events at places `at` of the sorted order, (m,), where their windows begin; (m,).

        That is the first event of the key which is later than so long before.
        """
        ends = self._places[at]
        found = np.searchsorted(self._places, ends - before_ms, side="right")
        return np.maximum(found, self._starts[at])

    @cached_property
    def _starts(self) -> Ints:
        """For each event in sorted order, the place of its key's first one; (n,)."""
        found: Ints = np.maximum.accumulate(np.where(self._first, np.arange(len(self.order)), 0))
        return found

    def first_at(self, keys: Ints, times_ms: Ints) -> Ints:
        """The place of the first event of each key at or after each time; (m,).

        A key without events has the place where the next key begins.
        """
        slots = np.searchsorted(self._known, keys)
        times = np.clip(times_ms - self._zero_ms, 0, self._span_ms)
        return np.searchsorted(self._places, (slots << self._bits) + times)

    def has(self, keys: Ints) -> NDArray[np.bool_]:
        """Which keys have events; (m,)."""
        return np.isin(keys, self._known)


def _by_key(keys: Ints) -> tuple[Ints, NDArray[np.bool_], Ints]:
    """Order by key and place (n,), where in it a key begins (n,), and the keys, ascending."""
    known: Ints | None = None
    if keys.min(initial=0) < 0 or int(keys.max(initial=0)) >= limit(len(keys)):
        known, keys = np.unique(keys, return_inverse=True)
    order, keys = stable_sort(keys)
    first = np.diff(keys, prepend=-1) != 0
    return order, first, keys[first] if known is None else known


def window_values(
    declared: WindowedAggregate, keys: Ints, times_ms: Ints, values: Ints, first: int = 0
) -> WindowValues:
    """Counts and sums of n events in order; a row sees those before it, and itself.

    Args:
        declared: the windows.
        keys: entity keys, (n,).
        times_ms: event times, (n,), ascending.
        values: what is summed, (n,).
        first: from which event on there are rows, n - first of them.

    >>> declared = WindowedAggregate("c", "id", "cents", (10, 100))
    >>> found = window_values(declared, np.array([7, 7, 8, 7]), np.array([100, 105, 106, 112]),
    ...     np.array([5, 6, 1, 7]))
    >>> found.count.tolist(), found.total.tolist()
    ([[1, 1], [2, 2], [1, 1], [2, 3]], [[5, 5], [11, 11], [1, 1], [13, 18]])
    """
    events = KeyedTimes(keys, times_ms)
    at = np.flatnonzero(events.order >= first)
    rows = events.order[at] - first
    shape = (len(rows), len(declared.windows_ms))
    found = WindowValues(np.empty(shape, np.int64), np.empty(shape, np.int64))
    sums = np.concatenate([[0], np.cumsum(values[events.order])])
    for window, length in enumerate(declared.windows_ms):
        since = events.since(length, at)
        found.count[rows, window] = at + 1 - since
        found.total[rows, window] = sums[at + 1] - sums[since]
    return found


def delayed_values(
    declared: DelayedWindows, keys: Ints, times_ms: Ints, labels: LabelChanges, first: int = 0
) -> LabelledValues:
    """Records and known labels of n events in order, over (t - d - w, t - d].

    A change of a label counts for the events that have its record in their window and are not
    before it was known: a run of events of the key, the first and the last of which are looked
    up.

    Args:
        declared: the windows.
        keys: entity keys, (n,).
        times_ms: event times, (n,), ascending.
        labels: changes of labels of any keys.
        first: from which event on there are rows, n - first of them.

    >>> declared = DelayedWindows("t", "id", (10, 100), delay_ms=50)
    >>> one = np.array([7])
    >>> labels = LabelChanges(one, np.array([100]), np.array([152]), np.array([1]))
    >>> found = delayed_values(declared, np.array([7, 7, 7]), np.array([100, 151, 154]), labels)
    >>> found.count.tolist(), found.positive.tolist()
    ([[0, 0], [1, 1], [1, 1]], [[0, 0], [0, 0], [1, 1]])
    """
    events = KeyedTimes(keys, times_ms)
    at = np.flatnonzero(events.order >= first)
    rows = events.order[at] - first
    shape = (len(rows), len(declared.windows_ms))
    found = LabelledValues(np.empty(shape, np.int64), np.empty(shape, np.int64))
    until = events.since(declared.delay_ms, at)
    seen = _of(labels, events.has(labels.keys))
    since_ms = np.maximum(seen.known_ms, seen.times_ms + declared.delay_ms)
    begin = events.first_at(seen.keys, since_ms)
    for window, length in enumerate(declared.windows_ms):
        found.count[rows, window] = until - events.since(declared.delay_ms + length, at)
        end_ms = np.maximum(seen.times_ms + declared.delay_ms + length, since_ms)
        change = np.zeros(len(keys) + 1, np.int64)
        np.add.at(change, begin, seen.change)
        np.subtract.at(change, events.first_at(seen.keys, end_ms), seen.change)
        found.positive[rows, window] = np.cumsum(change)[at]
    return found


def _of(labels: LabelChanges, rows: NDArray[np.bool_]) -> LabelChanges:
    return LabelChanges(
        labels.keys[rows], labels.times_ms[rows], labels.known_ms[rows], labels.change[rows]
    )
