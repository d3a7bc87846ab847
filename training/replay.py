"""Folds feature rows again in the order that the stream took, by their sequence numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.features.delayed import LABEL
from udfs.features.fold import Fold, RunningFold
from udfs.features.values import Columns, Features, rows_of
from udfs.use_cases.contract import UseCase
from udfs.use_cases.milliseconds import milliseconds

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Changes:
    """Changes of labels as `<use case>.label-changes` has them; int64 (n,) each.

    Attributes:
        second_key: the second entity key.
        sequence: the key's sequence number.
        times_ms: event times of the labels' records.
        change: what each label changed.
    """

    second_key: Ints
    sequence: Ints
    times_ms: Ints
    change: Ints


def replayed(
    use_case: UseCase,
    columns: Columns,
    sequence: Ints,
    second_sequence: Ints | None = None,
    changes: Changes | None = None,
) -> Features:
    """The feature rows (n, f) of records whose order of arrival is known key by key.

    Every record of a key since its state began has to be there. Rows of late records may differ:
    what they miss by their lateness depends on the clocks of their streams.

    Args:
        use_case: whose features.
        columns: the records' columns, n rows each.
        sequence: sequence numbers of their entity keys, (n,).
        second_sequence: of their second entity keys, where the use case has one, (n,).
        changes: the changes of labels, where the use case has a feed of them.
    """
    lateness_ms = milliseconds(use_case.allowed_lateness)
    times = columns[use_case.event_time]
    windows: dict[str, Any] = {}
    for fold in use_case.spec.folds:
        values = {field: columns[field] for field in fold.values}
        running = fold.start(lateness_ms)
        windows[fold.name] = _folded(running, columns[fold.key], times, sequence, values)
    for fold in use_case.spec.second:
        assert second_sequence is not None and changes is not None
        windows[fold.name] = _second(
            fold,
            lateness_ms,
            keys=columns[fold.key],
            times=times,
            sequence=second_sequence,
            changes=changes,
        )
    return use_case.assemble(columns, windows)


def _second(
    fold: Fold, lateness_ms: int, *, keys: Ints, times: Ints, sequence: Ints, changes: Changes
) -> Any:
    both = (
        np.concatenate([keys, changes.second_key]),
        np.concatenate([times, changes.times_ms]),
        np.concatenate([sequence, changes.sequence]),
    )
    labels = np.concatenate([np.zeros(len(keys), np.int64), changes.change])
    result = _folded(fold.start(lateness_ms), *both, {LABEL: labels})
    return rows_of(result, np.arange(len(keys)))


def _folded(
    running: RunningFold, keys: Ints, times: Ints, sequence: Ints, values: Mapping[str, Any]
) -> Any:
    """What the fold gives for each event, in the order in which the events are given."""
    order = _arrival(keys, times, sequence, running.keep_ms)
    ordered = {field: column[order] for field, column in values.items()}
    _, result = running.update(keys[order], times[order], ordered, times[order])
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return rows_of(result, back)


def _arrival(keys: Ints, times: Ints, sequence: Ints, keep_ms: int | None) -> Ints:
    """An order of all events in which those of each key are in their order of arrival.

    A key's numbers begin again from 1 when it was silent for longer than its state is kept: then
    its events fall into lives, one after the other in time.
    """
    life = np.zeros(len(keys), np.int64)
    if keep_ms is not None and len(keys):
        by_time = np.lexsort((sequence, times, keys))
        gap = np.diff(times[by_time], prepend=times[by_time[0]])
        begins = (gap >= keep_ms) & (np.diff(keys[by_time], prepend=keys[by_time[0]]) == 0)
        life[by_time] = np.cumsum(begins)
    found: Ints = np.lexsort((sequence, life, keys))
    return found
