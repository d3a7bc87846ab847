"""The folds over the second entity key, for records in order whose labels come a delay later."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.features.delayed import LABEL
from udfs.features.values import Columns
from udfs.use_cases.contract import UseCase
from udfs.use_cases.milliseconds import milliseconds

_RECORD, _LABEL_CHANGE = 1, 0


class SecondFolds:
    """Folds records and labels in the order of event time, labels before records of their time.

    A label becomes known `label_delay` after its record, as in the stream.
    """

    def __init__(self, use_case: UseCase) -> None:
        self._use_case = use_case
        lateness_ms = milliseconds(use_case.allowed_lateness)
        self._folds = {fold.name: fold.start(lateness_ms) for fold in use_case.spec.second}
        self._delay_ms = milliseconds(use_case.label_delay)
        self._fields = tuple(dict.fromkeys(fold.key for fold in use_case.spec.second))
        self._waiting: dict[str, NDArray[Any]] = {}

    def update(self, columns: Columns, labels: NDArray[Any]) -> Mapping[str, Any]:
        """What each fold gave for a block of n records that goes on in time, by its name."""
        if not self._folds or not len(labels):
            return {name: fold.update(*_nothing())[1] for name, fold in self._folds.items()}
        events, rows = self._events(columns, labels)
        newest = np.maximum.accumulate(events["due"])
        found = {}
        for fold in self._use_case.spec.second:
            _, result = self._folds[fold.name].update(
                events[fold.key], events["time"], {LABEL: events[LABEL]}, newest
            )
            found[fold.name] = type(result)(*(part[rows] for part in vars(result).values()))
            self._folds[fold.name].forget(int(newest[-1]) - self._reach_ms(fold.name))
        return found

    def _reach_ms(self, name: str) -> int:
        return self._folds[name].keep_ms or 0

    def _events(
        self, columns: Columns, labels: NDArray[Any]
    ) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
        """Records and the labels due among them, in order, and the records' places in it."""
        times = columns[self._use_case.event_time]
        keys = {field: columns[field] for field in self._fields}
        records = {**keys, "time": times, "due": times, LABEL: np.zeros(len(times), np.int64)}
        positive = labels != 0
        told = {field: column[positive] for field, column in keys.items()}
        told |= {"time": times[positive], "due": times[positive] + self._delay_ms}
        told |= {LABEL: labels[positive].astype(np.int64)}
        known = _joined(self._waiting, told)
        due = known["due"] <= times[-1]
        self._waiting = {field: column[~due] for field, column in known.items()}
        events = _joined({field: column[due] for field, column in known.items()}, records)
        kind = np.where(events[LABEL] == 0, _RECORD, _LABEL_CHANGE)
        order = np.lexsort((kind, events["due"]))
        ordered = {field: column[order] for field, column in events.items()}
        return ordered, np.flatnonzero(kind[order] == _RECORD)


def _joined(
    first: Mapping[str, NDArray[Any]], second: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    if not first:
        return dict(second)
    return {field: np.concatenate([first[field], second[field]]) for field in second}


def _nothing() -> tuple[Any, ...]:
    none = np.empty(0, np.int64)
    return none, none, {LABEL: none}, none
