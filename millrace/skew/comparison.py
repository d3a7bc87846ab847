"""Computes sampled feature rows again from the archive and compares them bit for bit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from millrace.archive.stages import Stages
from millrace.kafka.topics import RAW
from millrace.skew.replay import Events, Ints, replay, running_max, shards_of
from millrace.skew.rows import (
    OnProgress,
    Rows,
    feature_rows,
    features_at,
    label_changes,
    place_of,
)
from udfs.errors import ConfigurationError, DataError
from udfs.features.columns import ColumnReader
from udfs.features.delayed import LABEL
from udfs.features.fold import Fold
from udfs.records import FeatureRow
from udfs.use_cases.contract import UseCase
from udfs.use_cases.milliseconds import milliseconds

ON_WATERMARK = "on_watermark"
_SHOWN = 10


@dataclass(frozen=True)
class Difference:
    """A number that came out otherwise.

    Attributes:
        source: place of the raw record, `topic/partition/offset`.
        business_id: of the record.
        name: the feature, or `sequence` or `second_sequence`.
        live: what the job wrote.
        again: what the archive gives.
    """

    source: str
    business_id: str
    name: str
    live: float
    again: float


@dataclass(frozen=True)
class Skew:
    """What a comparison found.

    Attributes:
        rows: live feature rows of the use case's spec.
        sampled: of them, those that were looked at.
        compared: of them, those whose keys have a whole history.
        equal: of them, those that are equal in every bit.
        incomplete: sampled rows of keys whose history has holes: earlier rows are not there.
        other_specs: live rows of other specs, not looked at.
        repeated: further rows of the same records, not looked at.
        differences: the first few.
    """

    rows: int
    sampled: int
    compared: int
    equal: int
    incomplete: int
    other_specs: int
    repeated: int
    differences: list[Difference]

    @property
    def holds(self) -> bool:
        """Whether something was compared and all of it was equal."""
        return 0 < self.compared == self.equal


@dataclass(frozen=True)
class How:
    """How a comparison goes.

    Attributes:
        sample: rows to look at.
        seed: of the choice.
        shards: of the deployment that wrote the rows.
        order: its `score.order`.
    """

    sample: int
    seed: int
    shards: int
    order: str


@dataclass(frozen=True)
class _Again:
    """What folds over one key gave for the sampled rows, m of them.

    Attributes:
        results: by fold name; arrays of m rows.
        sequence: the key's sequence numbers, (m,).
        complete: whether the key's history is whole, (m,).
    """

    results: Mapping[str, Any]
    sequence: Ints
    complete: NDArray[np.bool_]


def skew(
    stages: Stages,
    use_case: UseCase,
    how: How,
    on_progress: OnProgress = lambda what, count: None,
) -> Skew:
    """Compares live feature rows with those that the same folds give over the same records.

    The records of a sampled row's keys are folded anew, all of them, in the order of their
    sequence numbers.

    Raises:
        ConfigurationError: there are no feature rows, or a fold cannot be replayed.
        DataError: a raw record of a feature row is missing, or a record cannot be decoded.
    """
    spec = use_case.spec
    for fold in spec.folds:
        if fold.key != use_case.entity_key:
            raise ConfigurationError(
                f"fold {fold.name} is over {fold.key}: only folds over the entity key "
                f"{use_case.entity_key} and over the second one can be replayed"
            )
    rows = feature_rows(stages, spec.hash, on_progress)
    if not len(rows):
        raise ConfigurationError(
            f"there are no feature rows of {use_case.name} with spec {spec.hash} "
            f"({rows.other_specs} of others); score.features_topic = true writes them"
        )
    draw = np.random.default_rng(how.seed)
    chosen = np.sort(draw.choice(len(rows), min(how.sample, len(rows)), replace=False))
    clock = _clock(rows, how)
    columns = _columns(stages, use_case, rows, chosen, on_progress)
    first = _first(use_case, rows, chosen, clock, columns)
    second = _second(
        stages,
        use_case,
        rows,
        chosen=chosen,
        clock=_second_clock(rows, how),
        one_clock=how.order == ON_WATERMARK,
        on_progress=on_progress,
    )
    live = features_at(stages, spec.hash, set(rows.place[chosen].tolist()), on_progress)
    ordered = [live[place] for place in rows.place[chosen].tolist()]
    at = np.searchsorted(columns["place"], rows.place[chosen])
    inputs = {name: column[at] for name, column in columns.items()}
    again = use_case.assemble(inputs, {**first.results, **second.results})
    return _judged(use_case, rows, ordered, again, first=first, second=second)


def _clock(rows: Rows, how: How) -> Ints:
    """Newest event time of a row's source partition in its shard when it was folded, (n,)."""
    if how.order == ON_WATERMARK:
        return rows.time
    # Rows are in the order of their places, which is that of their arrival.
    return running_max(_streams(rows, how), rows.time)


def _second_clock(rows: Rows, how: How) -> Ints:
    """Newest event time of a row's stream in the shard of its second key by then, (n,)."""
    if how.order == ON_WATERMARK:
        return rows.time
    streams = _streams(rows, how)
    _, number = np.unique(streams, return_inverse=True)
    return running_max(number * how.shards + shards_of(rows.second, how.shards), rows.time)


def _streams(rows: Rows, how: How) -> Ints:
    """Source partition and first shard: records of one stream keep their order, (n,)."""
    return shards_of(rows.key, how.shards) << 32 | rows.partition


def _columns(
    stages: Stages, use_case: UseCase, rows: Rows, chosen: Ints, on_progress: OnProgress
) -> dict[str, NDArray[Any]]:
    """Columns of the raw records of the chosen rows' entity keys, by ascending `place`."""
    wanted = rows.place[np.isin(rows.key, rows.key[chosen])]
    needed = set(wanted.tolist())
    decode = msgspec.json.Decoder(use_case.record_type).decode
    places, records = [], []
    for record in stages.read(RAW):
        place = place_of(record.partition, record.offset)
        if place in needed:
            places.append(place)
            records.append(decode(record.value or b""))
            on_progress(RAW, len(places))
    if len(places) < len(needed):
        raise DataError(
            f"{len(needed) - len(places)} raw records of {use_case.name} that feature rows name "
            "are not there: archive the raw topic from its beginning"
        )
    order = np.argsort(places)
    read = ColumnReader(use_case.record_type, use_case.column_types)(records)
    found = {name: column[order] for name, column in read.items()}
    return {**found, "place": np.array(places, dtype=np.int64)[order]}


def _first(
    use_case: UseCase, rows: Rows, chosen: Ints, clock: Ints, columns: Mapping[str, Any]
) -> _Again:
    """The folds over the entity key."""
    among = np.flatnonzero(np.isin(rows.key, rows.key[chosen]))
    values = {name: column for name, column in columns.items() if name != "place"}
    return _folded(
        use_case,
        use_case.spec.folds,
        Events(
            key=rows.key[among],
            time=rows.time[among],
            sequence=rows.sequence[among],
            clock=clock[among],
        ),
        values,
        wanted=np.searchsorted(among, chosen),
        one_clock=True,
    )


def _second(
    stages: Stages,
    use_case: UseCase,
    rows: Rows,
    *,
    chosen: Ints,
    clock: Ints,
    one_clock: bool,
    on_progress: OnProgress,
) -> _Again:
    """The folds over the second entity key, to which labels go; of no fold when there are none."""
    if not use_case.spec.second:
        none = np.full(len(chosen), -1, dtype=np.int64)
        return _Again({}, none, np.ones(len(chosen), dtype=np.bool_))
    changes = label_changes(stages, use_case.spec.hash, on_progress)
    among = np.flatnonzero(np.isin(rows.second, rows.second[chosen]))
    told = np.flatnonzero(np.isin(changes.second, rows.second[chosen]))
    return _folded(
        use_case,
        use_case.spec.second,
        Events(
            key=np.concatenate([rows.second[among], changes.second[told]]),
            time=np.concatenate([rows.time[among], changes.time[told]]),
            sequence=np.concatenate([rows.second_sequence[among], changes.sequence[told]]),
            # A change of a label never is the newest event: its record was there before.
            clock=np.concatenate([clock[among], changes.time[told]]),
        ),
        {LABEL: np.concatenate([np.zeros(len(among), np.int64), changes.change[told]])},
        wanted=np.searchsorted(among, chosen),
        one_clock=one_clock,
    )


def _folded(
    use_case: UseCase,
    folds: tuple[Fold, ...],
    events: Events,
    values: Mapping[str, NDArray[Any]],
    *,
    wanted: Ints,
    one_clock: bool,
) -> _Again:
    """Folds n events in the order of their sequence; the results of the m wanted ones."""
    running = {fold.name: fold.start(milliseconds(use_case.allowed_lateness)) for fold in folds}
    # The sequence that a row carries is that of the last fold.
    found = replay(events, running[folds[-1].name].keep_ms if folds else None, one_clock=one_clock)
    order = found.order
    at = np.empty(len(order), dtype=np.int64)
    at[order] = np.arange(len(order))
    keys, times, clock = events.key[order], events.time[order], events.clock[order]
    results, sequence = {}, events.sequence[order]
    for fold in folds:
        own = {field: values[field][order] for field in fold.values}
        sequence, result = running[fold.name].update(keys, times, own, clock)
        results[fold.name] = _rows_of(result, at[wanted])
    return _Again(results, sequence[at[wanted]], found.complete[at[wanted]])


def _rows_of(result: Any, places: Ints) -> Any:
    """The rows of a fold's result at these places."""
    if isinstance(result, np.ndarray):
        return result[places]
    parts = vars(result).values() if hasattr(result, "__dict__") else result
    return type(result)(*(part[places] for part in parts))


def _judged(
    use_case: UseCase,
    rows: Rows,
    live: list[FeatureRow],
    again: NDArray[Any],
    *,
    first: _Again,
    second: _Again,
) -> Skew:
    names = (*use_case.spec.names, "sequence", "second_sequence")
    before = np.array(
        [
            [
                *row.features,
                row.sequence,
                -1 if row.second_sequence is None else row.second_sequence,
            ]
            for row in live
        ],
        dtype=np.float64,
    )
    after = np.column_stack([again.astype(np.float64), first.sequence, second.sequence])
    complete = first.complete & second.complete
    other = before.view(np.int64) != np.ascontiguousarray(after, np.float64).view(np.int64)
    wrong = np.argwhere(other & complete[:, None])
    differences = [
        Difference(
            f"{use_case.name}.{RAW}/{live[row].source_partition}/{live[row].source_offset}",
            str(live[row].business_id),
            names[column],
            float(before[row, column]),
            float(after[row, column]),
        )
        for row, column in wrong[:_SHOWN].tolist()
    ]
    return Skew(
        rows=len(rows),
        sampled=len(live),
        compared=int(complete.sum()),
        equal=int((complete & ~other.any(axis=1)).sum()),
        incomplete=int((~complete).sum()),
        other_specs=rows.other_specs,
        repeated=rows.repeated,
        differences=differences,
    )
