"""The folds of one shard: window values, sequence numbers and lateness of its blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from udfs.errors import UseCaseError
from udfs.features.fold import Fold, KeepsSome
from udfs.features.log import EventLog, Events, Store, event_type, packed, values_of
from udfs.features.slowest import Heard, SlowestStream
from udfs.features.spec import FeatureSpec
from udfs.features.streams import NO_TIME, newest_so_far
from udfs.features.values import Columns

_EXPIRY_STEPS = 64
_PROGRESS = "progress"


class _Progress(msgspec.Struct):
    """What a shard keeps beside its events: the spec they were folded by, and times."""

    spec_hash: str
    newest_ms: dict[int, int]
    heard: Heard = msgspec.field(default_factory=Heard)


@dataclass(frozen=True)
class Folded:
    """What the folds gave for a block of n records.

    Attributes:
        windows: what each fold gave, by its name; arrays of n rows.
        sequence: the key's sequence number of each record, int64 (n,).
        late: whether a record lies behind the newest event time of its source partition by
            more than the allowed lateness, bool (n,).
        out_of_order: whether it lies behind that time at all, bool (n,).
    """

    windows: Mapping[str, Any]
    sequence: NDArray[np.int64]
    late: NDArray[np.bool_]
    out_of_order: NDArray[np.bool_]


class ShardFolds:
    """All folds of one shard, durable through `store`.

    Args:
        spec: the features' definition.
        types: dtype of an entry of each column that a fold stores.
        event_time: the column of the event time, UTC milliseconds.
        lateness_ms: how far behind its source partition a record may be and not count as late.
        store: the shard's durable state.
        folds: those of the spec that are folded here; those over the entity key when None.
        patience: how many events streams may be apart whose events meet in one key, so that what
            has expired goes by the slowest of them; None: a key's events come by one partition.
    """

    def __init__(
        self,
        spec: FeatureSpec,
        types: Mapping[str, np.dtype[Any]],
        event_time: str,
        lateness_ms: int,
        store: Store,
        *,
        folds: Sequence[Fold] | None = None,
        patience: int | None = None,
    ) -> None:
        self._spec = spec
        self._declared = spec.folds if folds is None else folds
        self._event_time = event_time
        self._lateness_ms = lateness_ms
        self._store = store
        self._folds = {fold.name: fold.start(lateness_ms) for fold in self._declared}
        self._layouts = {
            fold.name: event_type({field: types[field] for field in fold.values})
            for fold in self._declared
        }
        self._logs = {name: EventLog(name, store, layout) for name, layout in self._layouts.items()}
        self._progress = self._load()
        heard = self._progress.heard
        self._slowest = None if patience is None else SlowestStream(heard, patience)
        longest = max((fold.keep_ms or 0 for fold in self._folds.values()), default=0)
        self._expire_every_ms = longest // _EXPIRY_STEPS
        self._expired_at = sum(self._progress.newest_ms.values())

    def update(
        self,
        columns: Columns,
        partitions: NDArray[np.int32],
        *,
        ticks: NDArray[np.bool_] | None = None,
    ) -> Folded:
        """Folds a block of n records in order of arrival.

        Args:
            columns: the folds' keys and values and the event time; n rows each.
            partitions: source partitions, int32 (n,).
            ticks: which events move the clock of their partition, bool (n,); None: all.
        """
        times = columns[self._event_time]
        # A partition has a clock of its own: while a job catches up, one may be days ahead of
        # another, and its progress must not expire what the other's records still need.
        moving = times if ticks is None else np.where(ticks, times, NO_TIME)
        newest = newest_so_far(self._progress.newest_ms, partitions, moving)
        late = times < newest - self._lateness_ms
        windows, sequence = {}, np.zeros(len(times), dtype=np.int64)
        for fold in self._declared:
            values = {field: columns[field] for field in fold.values}
            sequence, windows[fold.name] = self._folds[fold.name].update(
                columns[fold.key], times, values, newest
            )
            events = packed(
                self._layouts[fold.name],
                keys=columns[fold.key],
                times=times,
                values=values,
                sequence=sequence,
                partitions=partitions,
            )
            self._keep(fold.name, events, sequence)
        if len(times):
            if self._slowest is not None:
                self._slowest.hear(partitions)
            self._expire()
            self._store.put(_PROGRESS, msgspec.json.encode(self._progress))
        return Folded(windows, sequence, late, times < newest)

    def _keep(self, name: str, events: Events, sequence: NDArray[np.int64]) -> None:
        """Stores those of the events that the fold's later results need."""
        fold = self._folds[name]
        if isinstance(fold, KeepsSome):
            events = events[fold.keeps(sequence)]
        if len(events):
            self._logs[name].append(events)

    def _expire(self) -> None:
        """Drops what no window reaches, each time the partitions have gone on by some way."""
        newest_ms = self._progress.newest_ms
        progress = sum(newest_ms.values())
        if progress - self._expired_at < self._expire_every_ms:
            return
        self._expired_at = progress
        for name, fold in self._folds.items():
            if fold.keep_ms is None:
                continue
            floors = self._floors(fold.keep_ms)
            self._logs[name].expire(floors)
            fold.forget(min(floors.values(), default=NO_TIME))

    def _floors(self, keep_ms: int) -> dict[int, int]:
        """By partition, the time at or before which its events have expired."""
        newest_ms = self._progress.newest_ms
        if self._slowest is None:
            return {part: newest - keep_ms for part, newest in newest_ms.items()}
        slowest_ms = self._slowest.clock_ms(newest_ms)
        return {} if slowest_ms is None else dict.fromkeys(newest_ms, slowest_ms - keep_ms)

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
                keys, times = events["key"].astype(np.int64), events["time"].astype(np.int64)
                sequences = events["sequence"].astype(np.int64)
                self._folds[name].load(keys, times, values_of(events), sequences)
        return progress
