"""Reads feature rows and changes of labels into arrays."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from millrace.archive.stages import Stages
from millrace.kafka.readers import Record
from millrace.kafka.topics import FEATURES, LABEL_CHANGES
from udfs.errors import DataError
from udfs.records import FeatureRow, LabelChange

Ints = NDArray[np.int64]
_NONE = -1
_OFFSET_BITS = 44

OnProgress = Callable[[str, int], None]
"""Told what is read and how many of it there are so far."""
_TELL_EVERY = 50_000


class _Row(msgspec.Struct):
    """A feature row without its features."""

    entity_key: int
    event_time_ms: int
    sequence: int
    feature_spec_hash: str
    source_partition: int
    source_offset: int
    second_key: int | None = None
    second_sequence: int | None = None


@dataclass(frozen=True)
class Rows:
    """Feature rows of one spec, each source record once; int64 columns of shape (n,).

    Attributes:
        place: the source record, see `place_of`.
        partition: of the source record.
        time: event time, UTC milliseconds.
        key: the entity key.
        sequence: of the entity key.
        second: the second entity key, -1 without one.
        second_sequence: of the second entity key, -1 without one.
        other_specs: rows of other specs, which were left out.
        repeated: further rows of the same source records, which were left out.
    """

    place: Ints
    partition: Ints
    time: Ints
    key: Ints
    sequence: Ints
    second: Ints
    second_sequence: Ints
    other_specs: int
    repeated: int

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.place)


@dataclass(frozen=True)
class Changes:
    """Changes of labels of one spec; int64 columns of shape (n,): key, record's time, and so on."""

    second: Ints
    time: Ints
    sequence: Ints
    change: Ints


def place_of(partitions: Any, offsets: Any) -> Any:
    """Partition and offset in one number, ascending in both; of numbers or arrays.

    >>> place_of(0, 5) < place_of(0, 6) < place_of(1, 0)
    True
    """
    return (partitions << _OFFSET_BITS) | offsets


def feature_rows(stages: Stages, spec_hash: str, on_progress: OnProgress) -> Rows:
    """The feature rows of a spec.

    Memory: 56 bytes a row, and ten times as much while they are read.

    Raises:
        DataError: a record is no feature row.
    """
    others = 0
    found: list[tuple[int, ...]] = []
    for row in _decoded(stages.read(FEATURES), _Row, FEATURES, on_progress):
        if row.feature_spec_hash != spec_hash:
            others += 1
            continue
        second = _NONE if row.second_key is None else row.second_key
        second_sequence = _NONE if row.second_sequence is None else row.second_sequence
        place = place_of(row.source_partition, row.source_offset)
        found.append(
            (
                *(place, row.source_partition, row.event_time_ms, row.entity_key, row.sequence),
                *(second, second_sequence),
            )
        )
    columns = _columns(found, 7)
    _, first = np.unique(columns[0], return_index=True)
    place, partition, time, key, sequence, second, second_sequence = (
        column[first] for column in columns
    )
    return Rows(
        place=place,
        partition=partition,
        time=time,
        key=key,
        sequence=sequence,
        second=second,
        second_sequence=second_sequence,
        other_specs=others,
        repeated=len(found) - len(first),
    )


def label_changes(stages: Stages, spec_hash: str, on_progress: OnProgress) -> Changes:
    """The changes of labels of a spec, each once.

    Raises:
        DataError: a record is no change of a label.
    """
    decoded = _decoded(stages.read(LABEL_CHANGES), LabelChange, LABEL_CHANGES, on_progress)
    found = {
        (x.second_key, x.event_time_ms, x.second_sequence, x.change)
        for x in decoded
        if x.feature_spec_hash == spec_hash
    }
    return Changes(*_columns(sorted(found), 4))


def features_at(
    stages: Stages, spec_hash: str, places: set[int], on_progress: OnProgress
) -> dict[int, FeatureRow]:
    """Whole feature rows of a spec by the place of their source."""
    found = {}
    for row in _decoded(stages.read(FEATURES), FeatureRow, FEATURES, on_progress):
        place = place_of(row.source_partition, row.source_offset)
        if place in places and row.feature_spec_hash == spec_hash:
            found[place] = row
    return found


def _decoded(
    records: Iterable[Record], kind: type[Any], stage: str, on_progress: OnProgress
) -> Iterator[Any]:
    decode = msgspec.json.Decoder(kind).decode
    for count, record in enumerate(records, 1):
        try:
            yield decode(record.value or b"")
        except msgspec.DecodeError as error:
            raise DataError(
                f"{record.topic}, partition {record.partition}, offset {record.offset} is no "
                f"record of {stage}: {error}"
            ) from error
        if count % _TELL_EVERY == 0:
            on_progress(stage, count)


def _columns(rows: list[tuple[int, ...]], width: int) -> list[Ints]:
    array = np.array(rows, dtype=np.int64).reshape(-1, width)
    return [np.ascontiguousarray(array[:, column]) for column in range(width)]
