"""Reads an archive in batches, so that memory does not grow with it."""

from collections.abc import Iterator, Sequence
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq

from millrace.archive.layout import HEADERS, SCHEMA, Archive
from millrace.archive.listing import counting_footers, held

BATCH_ROWS = 65_536


def read(
    archive: Archive,
    stage: str,
    *,
    since: date | None = None,
    until: date | None = None,
    columns: Sequence[str] = tuple(SCHEMA.names),
    batch_rows: int = BATCH_ROWS,
) -> Iterator[pa.RecordBatch]:
    """The rows of a stage, each exactly once, also while the archive grows or is compacted.

    Dates come in order, and within a file the rows of a partition in the order of their offsets;
    nothing else is said about the order. What becomes complete while a date is being read may be
    left out. Rows of one date may be fetched by asking for one day only.

    Args:
        archive: of the use case.
        stage: one of `millrace.archive.STAGES`; a stage without files gives nothing.
        since: first date, that of the Kafka timestamp in UTC.
        until: date after the last.
        columns: some of those of `SCHEMA`; headers are null where a file has none.
        batch_rows: rows of a batch at most.

    Yields:
        Batches with the columns in the given order; close the iterator when it is not read to
        its end.
    """
    for day in archive.dates(stage, since=since, until=until):
        folder = archive.folder(stage, day)
        with held(folder):
            for path, footer in counting_footers(folder).items():
                with pq.ParquetFile(path, metadata=footer) as parquet:
                    for batch in parquet.iter_batches(batch_rows, columns=list(columns)):
                        yield with_columns(batch, columns)


def with_columns(batch: pa.RecordBatch, columns: Sequence[str]) -> pa.RecordBatch:
    """The columns in the given order; headers are null when the file is from before them."""
    if HEADERS in columns and HEADERS not in batch.schema.names:
        field = SCHEMA.field(HEADERS)
        batch = batch.append_column(field, pa.nulls(len(batch), field.type))
    return batch.select(list(columns))
