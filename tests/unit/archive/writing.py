"""Writes small archives, as the job would."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from millrace.archive import PLAIN_SCHEMA, Archive

DAY = date(2025, 7, 31)
DAY_MS = 1_753_920_000_000
Row = tuple[int, int]
"""Partition and offset."""


def put(
    archive: Archive,
    name: str,
    rows: Sequence[Row],
    *,
    stage: str = "raw",
    day: date = DAY,
    values: Sequence[bytes] | None = None,
) -> Path:
    """A file with a row for each (partition, offset); key and value are made from them."""
    folder = archive.folder(stage, day)
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {
            "partition": [p for p, _ in rows],
            "offset": [o for _, o in rows],
            "timestamp_ms": [DAY_MS + o for _, o in rows],
            "key": [b"%d" % p for p, _ in rows],
            "value": values or [b"value %d/%d" % row for row in rows],
        },
        schema=PLAIN_SCHEMA,
    )
    pq.write_table(table, folder / name)
    return folder / name
