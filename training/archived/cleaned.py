"""Archived topics as columns: cleaned as the stream cleans them, batch by batch."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from millrace.archive import PLAIN_SCHEMA, Archive, read
from millrace.archive.layout import date_of
from udfs.features.values import Columns
from udfs.functions.blocks import RawBlock
from udfs.functions.clean import Clean
from udfs.functions.slices import Slices
from udfs.use_cases.contract import UseCase

_BATCH_ROWS = 16_384
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Cleaned:
    """The usable records of one batch, n of them.

    Attributes:
        columns: those of the use case, n rows.
        partitions: source partitions, int32 (n,).
        offsets: source offsets, int64 (n,).
        timestamps_ms: Kafka timestamps, int64 (n,).
        refused: records of the batch that the clean stage makes dead letters of.
    """

    columns: Columns
    partitions: NDArray[np.int32]
    offsets: NDArray[np.int64]
    timestamps_ms: NDArray[np.int64]
    refused: int


@dataclass(frozen=True)
class Stage:
    """A stage of an archive, and how its records are cleaned.

    Attributes:
        archive: of the use case.
        name: `raw`, or `labels`.
        use_case: what its records are; of labels, `label_case` of the use case.
        max_clock_skew_ms: as in the job.
        as_of_ms: records of later Kafka timestamps are not there yet.
    """

    archive: Archive
    name: str
    use_case: UseCase
    max_clock_skew_ms: int
    as_of_ms: int

    def days(self, since_ms: int) -> list[date]:
        """Dates with files, from that of a Kafka timestamp to that of as-of, ascending."""
        last = date_of(self.as_of_ms)
        found = self.archive.dates(self.name, since=date_of(since_ms))
        return [day for day in found if day <= last]

    def of(self, day: date) -> Iterator[Cleaned]:
        """The usable records of a date, in batches."""
        clean = Clean(self.use_case, f"{self.archive.use_case}.{self.name}", self.max_clock_skew_ms)
        batches = read(
            self.archive,
            self.name,
            since=day,
            until=date_of(end_of(day)),
            columns=PLAIN_SCHEMA.names,
            batch_rows=_BATCH_ROWS,
        )
        for batch in batches:
            yield self._cleaned(clean, batch)

    def _cleaned(self, clean: Clean, batch: pa.RecordBatch) -> Cleaned:
        # Not to_numpy, which imports pandas: most of a second.
        raw = RawBlock(
            offsets=np.from_dlpack(batch.column("offset")),
            timestamps_ms=np.from_dlpack(batch.column("timestamp_ms")),
            partitions=np.from_dlpack(batch.column("partition")),
            keys=slices(batch.column("key")),
            values=slices(batch.column("value")),
        )
        there = raw.timestamps_ms <= self.as_of_ms
        if not there.all():
            raw = raw.at(np.flatnonzero(there))
        found = clean(raw)
        return Cleaned(
            found.columns,
            raw.partitions[found.places],
            raw.offsets[found.places],
            raw.timestamps_ms[found.places],
            len(found.dead_letters),
        )


def slices(column: pa.BinaryArray) -> Slices:
    """The byte strings of a column of n rows, taken over in one piece instead of one by one.

    >>> list(slices(pa.array([b"7", None, b"12"], pa.binary())[1:]))
    [None, b'12']
    """
    _, bounds, data = column.buffers()
    if not len(column) or data is None:
        return Slices.of(column.to_pylist())
    ends = np.frombuffer(bounds, np.int32)[column.offset : column.offset + len(column) + 1]
    first, last = int(ends[0]), int(ends[-1])
    lengths = np.diff(ends)
    if column.null_count:
        lengths[np.from_dlpack(column.is_null().cast(pa.int8())) == 1] = -1
    starts = ends[:-1].astype(np.int64) - first
    return Slices(data.slice(first, last - first).to_pybytes(), starts, lengths)


def end_of(day: date) -> int:
    """The first millisecond after a UTC date.

    >>> end_of(date(1970, 1, 1))
    86400000
    """
    return (day.toordinal() - date(1970, 1, 1).toordinal() + 1) * _DAY_MS
