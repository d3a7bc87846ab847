"""Folds the histories of sampled rows' keys anew, from archived records and changes of labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from millrace.archive.stages import Stages
from millrace.kafka.topics import RAW
from millrace.skew.replay import Events, Ints, replay
from millrace.skew.rows import OnProgress, Rows, label_changes, place_of
from udfs.errors import DataError
from udfs.features.columns import ColumnReader
from udfs.features.delayed import LABEL
from udfs.features.fold import Fold
from udfs.features.values import rows_of
from udfs.use_cases.contract import UseCase
from udfs.use_cases.milliseconds import milliseconds


@dataclass(frozen=True)
class Again:
    """What folds over one key gave for the sampled rows, m of them.

    Attributes:
        results: by fold name; arrays of m rows.
        sequence: the key's sequence numbers, (m,).
        complete: whether the key's history is whole, (m,).
    """

    results: Mapping[str, Any]
    sequence: Ints
    complete: NDArray[np.bool_]


def record_columns(
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


def over_entity_key(
    use_case: UseCase, rows: Rows, chosen: Ints, clock: Ints, columns: Mapping[str, Any]
) -> Again:
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


def over_second_key(
    stages: Stages,
    use_case: UseCase,
    rows: Rows,
    *,
    chosen: Ints,
    clock: Ints,
    one_clock: bool,
    on_progress: OnProgress,
) -> Again:
    """The folds over the second entity key, to which labels go; of no fold when there are none."""
    if not use_case.spec.second:
        none = np.full(len(chosen), -1, dtype=np.int64)
        return Again({}, none, np.ones(len(chosen), dtype=np.bool_))
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
) -> Again:
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
        results[fold.name] = rows_of(result, at[wanted])
    return Again(results, sequence[at[wanted]], found.complete[at[wanted]])
