"""The handbook's transactions and labels as an archive: what the job `archive` writes, offline.

One file a stage and date, four partitions, keyed and timed as `millrace produce` does.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from millrace.archive import PLAIN_SCHEMA, Archive
from millrace.archive.layout import date_of
from millrace.kafka.topics import LABELS, RAW
from millrace.sources import handbook
from millrace.sources.records import RawRecord, encoded
from udfs.use_cases.fraud import FRAUD
from udfs.use_cases.label_records import label_case

_PARTITIONS = 4


def write_archive(
    data: Path,
    root: Path,
    *,
    spoil: Callable[[str, RawRecord], RawRecord] = lambda _, record: record,
    only: Callable[[Any], bool] = lambda _: True,
) -> Archive:
    """An archive of fraud with all transactions and labels of the handbook's folder.

    Args:
        data: the handbook's folder, or the one above it.
        root: folder of archives.
        spoil: (stage, record) -> what is archived instead.
        only: which transactions and labels are archived.

    Raises:
        MillraceError: the folder lacks a file, or one is not what it should be.
    """
    archive = Archive(root, FRAUD.name)
    for stage, use_case, records in (
        (RAW, FRAUD, handbook.transactions(data)),
        (LABELS, label_case(FRAUD), handbook.labels(data)),
    ):
        raw = encoded(use_case, filter(only, records))
        write_stage(archive, stage, (spoil(stage, record) for record in raw))
    return archive


def write_stage(archive: Archive, stage: str, records: Iterable[RawRecord]) -> None:
    """Writes records in the order of their timestamps, a file a date."""
    offsets: dict[int, int] = defaultdict(int)
    for day, rows in groupby(records, key=lambda record: date_of(record.timestamp_ms)):
        columns: dict[str, list[Any]] = {name: [] for name in PLAIN_SCHEMA.names}
        for record in rows:
            partition = int(record.key or b"0") % _PARTITIONS
            row = (partition, offsets[partition], record.timestamp_ms, record.key, record.value)
            offsets[partition] += 1
            for column, value in zip(columns.values(), row, strict=True):
                column.append(value)
        folder = archive.folder(stage, day)
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns, schema=PLAIN_SCHEMA), folder / f"{stage}-0.parquet")
