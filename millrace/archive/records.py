"""Rows of an archive as Kafka records."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from millrace.archive.layout import SCHEMA
from millrace.kafka.readers import Record


def records(topic: str, batch: pa.RecordBatch) -> Iterator[Record]:
    """The records of a batch with all columns of `SCHEMA`."""
    columns = (batch.column(name).to_pylist() for name in SCHEMA.names)
    for partition, offset, timestamp_ms, key, value, headers in zip(*columns, strict=True):
        yield Record(topic, partition, offset, timestamp_ms, key, value, _pairs(headers))


def _pairs(headers: Sequence[dict[str, Any]] | None) -> tuple[tuple[str, bytes], ...]:
    return tuple((header["key"], header["value"]) for header in headers or ())
