"""The windows of a use case over archived records, chunk by chunk in the order of event time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.archived.labels import KnownLabels
from training.tables import LabelChanges, delayed_values, window_values
from udfs.errors import UseCaseError
from udfs.features.delayed import DelayedWindows
from udfs.features.fold import Fold
from udfs.features.windows import WindowedAggregate
from udfs.use_cases.contract import UseCase
from udfs.use_cases.milliseconds import milliseconds

Table = dict[str, NDArray[Any]]
"""Columns by field, n rows each; with `PARTITION` and `OFFSET` of the source."""

PARTITION, OFFSET = "source partition", "source offset"


class History:
    """Folds chunks of records; keeps what windows still need of those before.

    Args:
        use_case: whose folds.
        labels: of the records.
    """

    def __init__(self, use_case: UseCase, labels: KnownLabels) -> None:
        self._use_case = use_case
        self._labels = labels
        self._horizon_ms = milliseconds(use_case.labels.horizon) if use_case.labels else 0
        self.keep_ms = reach_ms(use_case)
        self._kept: Table | None = None

    def __len__(self) -> int:
        """How many records are kept."""
        return 0 if self._kept is None else len(self._kept[PARTITION])

    def update(self, chunk: Table) -> Mapping[str, Any]:
        """What each fold gave for a chunk of n records in order, by its name; n rows each."""
        events, rows = self._ordered(chunk)
        first = int(rows.min(initial=len(rows)))
        folds = (*self._use_case.spec.folds, *self._use_case.spec.second)
        found = {fold.name: self._of(fold, events, first) for fold in folds}
        times = events[self._use_case.event_time]
        alive = int(np.searchsorted(times, times[-1] - self.keep_ms, side="right"))
        # A copy, so that it does not hold on to the whole.
        self._kept = {field: column[alive:].copy() for field, column in events.items()}
        if np.array_equal(rows, np.arange(first, first + len(rows))):
            return found
        return {name: _picked(values, rows - first) for name, values in found.items()}

    def _ordered(self, chunk: Table) -> tuple[Table, NDArray[np.int64]]:
        """Kept records and a chunk in the order of time, and where the chunk's are among them."""
        events = chunk if self._kept is None else joined([self._kept, chunk])
        times = events[self._use_case.event_time]
        if (times[1:] >= times[:-1]).all():
            return events, np.arange(len(self), len(times))
        order = np.argsort(times, kind="stable")
        rows = np.argsort(order, kind="stable")[len(self) :]
        return {field: column[order] for field, column in events.items()}, rows

    def _of(self, fold: Fold, events: Table, first: int) -> Any:
        keys, times = events[fold.key], events[self._use_case.event_time]
        if isinstance(fold, WindowedAggregate):
            return window_values(fold, keys, times, events[fold.value], first)
        assert isinstance(fold, DelayedWindows)
        return delayed_values(fold, keys, times, self._changes(keys, events), first)

    def _changes(self, keys: NDArray[np.int64], events: Table) -> LabelChanges:
        """The changes of labels of these records that were taken in time."""
        order = np.argsort(events[self._use_case.business_id], kind="stable")
        ids = events[self._use_case.business_id][order]
        change = self._labels.changes
        told = np.flatnonzero(change)
        told = told[np.isin(self._labels.business_ids[told], ids)]
        at = order[np.searchsorted(ids, self._labels.business_ids[told])]
        times, known = events[self._use_case.event_time][at], self._labels.known_ms[told]
        taken = known <= times + self._horizon_ms
        return LabelChanges(
            keys[at][taken], times[taken], known[taken], change[told][taken].astype(np.int64)
        )


def reach_ms(use_case: UseCase) -> int:
    """How far back the windows of a use case reach, lateness included.

    Raises:
        UseCaseError: it has a fold of another kind than windows.
    """
    reach = 0
    for fold in (*use_case.spec.folds, *use_case.spec.second):
        if not isinstance(fold, WindowedAggregate | DelayedWindows):
            raise UseCaseError(
                f"fold {fold.name!r} of use case {use_case.name!r} is a {type(fold).__name__}; "
                "only windows are built from an archive so far: train with --data or the generator"
            )
        delay_ms = fold.delay_ms if isinstance(fold, DelayedWindows) else 0
        reach = max(reach, delay_ms + max(fold.windows_ms))
    return reach + milliseconds(use_case.allowed_lateness)


def _picked(values: Any, rows: NDArray[np.int64]) -> Any:
    return type(values)(*(part[rows] for part in vars(values).values()))


def joined(parts: Sequence[Table]) -> Table:
    """The rows of all parts, one after the other; there is at least one part."""
    return {field: np.concatenate([part[field] for part in parts]) for field in parts[0]}
