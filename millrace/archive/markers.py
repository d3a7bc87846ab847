"""Offsets of archived topics that hold no record, kept for when the topic has deleted them.

Markers of transactions and aborted records take offsets, and no reader ever sees them. While the
topic has them a look at it tells; afterwards they look like lost records.
"""

import os
from collections.abc import Iterable, Mapping
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from millrace.archive.layout import Archive
from millrace.archive.ranges import Range, joined

_FILE = "_markers"
"""A Parquet file; by its name, nobody who reads the stage takes it for records."""

_SCHEMA = pa.schema(
    [pa.field(name, pa.int64(), nullable=False) for name in ("partition", "first", "last")]
)


def known_markers(archive: Archive, stage: str) -> dict[int, list[Range]]:
    """The ranges that were kept, by partition, ascending."""
    path = archive.path / stage / _FILE
    if not path.exists():
        return {}
    found: dict[int, list[Range]] = {}
    columns = pq.read_table(path, schema=_SCHEMA, partitioning=None).to_pydict()
    for partition, first, last in zip(*columns.values(), strict=True):
        found.setdefault(partition, []).append((first, last))
    return found


def keep_markers(archive: Archive, stage: str, seen: Mapping[int, Iterable[Range]]) -> None:
    """Adds ranges to those that are kept; nothing where the archive may not be written."""
    folder, known = archive.path / stage, known_markers(archive, stage)
    both = {p: joined([*known.get(p, ()), *seen.get(p, ())]) for p in {*known, *seen}}
    both = {p: ranges for p, ranges in both.items() if ranges}
    if both == known or not os.access(folder, os.W_OK):
        return
    rows = [(p, first, last) for p, ranges in sorted(both.items()) for first, last in ranges]
    columns = dict(zip(_SCHEMA.names, zip(*rows, strict=True), strict=True))
    # A reader sees the file before or the one after.
    hidden = folder / f".{uuid4()}{_FILE}"
    pq.write_table(pa.table(columns, schema=_SCHEMA), hidden, compression="zstd")
    hidden.rename(folder / _FILE)
