"""Computes sampled feature rows again from the archive and compares them bit for bit."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from millrace.archive.stages import Stages
from millrace.kafka.topics import RAW
from millrace.skew.again import Again, over_entity_key, over_second_key, record_columns
from millrace.skew.replay import Ints, running_max, shards_of
from millrace.skew.rows import OnProgress, Rows, feature_rows, features_at
from udfs.errors import ConfigurationError
from udfs.records import FeatureRow
from udfs.use_cases.contract import UseCase

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
    columns = record_columns(stages, use_case, rows, chosen, on_progress)
    first = over_entity_key(use_case, rows, chosen, clock, columns)
    second = over_second_key(
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


def _judged(
    use_case: UseCase,
    rows: Rows,
    live: list[FeatureRow],
    again: NDArray[Any],
    *,
    first: Again,
    second: Again,
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
