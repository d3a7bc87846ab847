"""The folds of one shard: window values, sequence numbers and lateness of its blocks."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from udfs.errors import UseCaseError
from udfs.features.log import EventLog, Store
from udfs.features.spec import FeatureSpec
from udfs.features.values import Columns, WindowValues
from udfs.features.windows import WindowFold

_NO_TIME = -(2**62)
_PROGRESS = "progress"


class _Progress(msgspec.Struct):
    """What a shard keeps beside its events: the spec they were folded by, and times."""

    spec_hash: str
    newest_ms: dict[int, int]


@dataclass(frozen=True)
class Folded:
    """What the folds gave for a block of n records.

    Attributes:
        windows: window values by fold name.
        sequence: the key's sequence number of each record, int64 (n,).
        late: whether a record lies behind the newest event time of its source partition by
            more than the allowed lateness, bool (n,).
    """

    windows: Mapping[str, WindowValues]
    sequence: NDArray[np.int64]
    late: NDArray[np.bool_]


class ShardFolds:
    """All folds of one shard, durable through `store`.

    Args:
        spec: the features' definition.
        event_time: the column of the event time, UTC milliseconds.
        lateness_ms: how far behind its source partition a record may be and not count as late.
        store: the shard's durable state.
    """

    def __init__(
        self,
        spec: FeatureSpec,
        event_time: str,
        lateness_ms: int,
        store: Store,
    ) -> None:
        self._spec = spec
        self._event_time = event_time
        self._lateness_ms = lateness_ms
        self._store = store
        self._folds = {fold.name: WindowFold(fold, lateness_ms) for fold in spec.folds}
        self._logs = {fold.name: EventLog(fold.name, store) for fold in spec.folds}
        self._progress = self._load()

    def update(self, columns: Columns, partitions: NDArray[np.int32]) -> Folded:
        """Folds a block of n records in order of arrival.

        Args:
            columns: the folds' keys and values and the event time, each int64 (n,).
            partitions: source partitions, int32 (n,).
        """
        times = columns[self._event_time]
        if not len(times):
            return self._nothing()
        before = max(self._progress.newest_ms.values(), default=_NO_TIME)
        late = self._late(times, partitions)
        newest = np.maximum.accumulate(np.maximum(times, before))
        windows, sequence = {}, np.zeros(len(times), dtype=np.int64)
        for name, fold in self._folds.items():
            windows[name], sequence = self._fold(name, fold, columns, newest)
        self._store.put(_PROGRESS, msgspec.json.encode(self._progress))
        return Folded(windows, sequence, late)

    def _nothing(self) -> Folded:
        windows = {
            fold.name: WindowValues(*np.zeros((2, 0, len(fold.windows_ms)), dtype=np.int64))
            for fold in self._spec.folds
        }
        return Folded(windows, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_))

    def _fold(
        self, name: str, fold: WindowFold, columns: Columns, newest: NDArray[np.int64]
    ) -> tuple[WindowValues, NDArray[np.int64]]:
        aggregate = fold.aggregate
        keys, values = columns[aggregate.key], columns[aggregate.value]
        times = columns[self._event_time]
        rows = fold.update(keys.tolist(), times.tolist(), values.tolist(), newest.tolist())
        log, floor = self._logs[name], int(newest[-1]) - fold.keep_ms
        log.append(np.column_stack((keys, times, values, rows[:, 0])))
        if log.expire(floor):
            fold.forget(floor)
        width = len(aggregate.windows_ms)
        return WindowValues(rows[:, 1 : 1 + width], rows[:, 1 + width :]), rows[:, 0]

    def _late(self, times: NDArray[np.int64], partitions: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Marks late records, and remembers the newest event time of each source partition."""
        late = np.zeros(len(times), dtype=np.bool_)
        newest_ms = self._progress.newest_ms
        for partition in np.unique(partitions).tolist():
            here = partitions == partition
            newest = np.maximum.accumulate(times[here])
            newest = np.maximum(newest, newest_ms.get(partition, _NO_TIME))
            late[here] = times[here] < newest - self._lateness_ms
            newest_ms[partition] = int(newest[-1])
        return late

    def _load(self) -> _Progress:
        entries = dict(self._store.items())
        stored = entries.get(_PROGRESS)
        if stored is None:
            return _Progress(self._spec.hash, {})
        progress = msgspec.json.decode(stored, type=_Progress)
        if progress.spec_hash != self._spec.hash:
            raise UseCaseError(
                f"the running state was built for feature spec {progress.spec_hash}, this job has "
                f"{self._spec.hash}: start it under a new deployment name, with state of its own"
            )
        for name, log in self._logs.items():
            for events in log.load(entries):
                self._folds[name].load(*(column.tolist() for column in events.T))
        return progress
