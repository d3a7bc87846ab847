"""Merges small files of an archive, one date at a time.

A merged file is written under a hidden name and becomes visible by one rename; its footer names
the files whose place it takes, which count no longer from that moment on. They are removed
afterwards, while no reader holds the folder. A crash before the rename leaves a hidden file, one
after it leaves files that do not count; the next compaction of the date removes either before it
does anything else. So every row is in the archive exactly once at any time.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from millrace.archive.layout import SCHEMA, Archive
from millrace.archive.listing import (
    OFFSETS_KEY,
    REPLACES_KEY,
    ArchiveFile,
    Span,
    all_files,
    counting,
    locked,
)
from millrace.archive.reading import with_columns
from udfs.errors import DataError, UnavailableError

TARGET_BYTES = 128 * 1024 * 1024
_PREFIX, _HIDDEN = "compacted-", ".compacting-"
_GROUP_ROWS, _GROUP_BYTES = 500_000, 64 * 1024 * 1024
_BATCH_ROWS = 65_536
_PATIENCE_S, _POLL_S = 10.0, 0.1


@dataclass(frozen=True)
class Compacted:
    """What was done to a date of a stage.

    Attributes:
        stage: the stage.
        date: the date.
        before: files that counted before.
        after: files that count now.
        rows: rows that were written anew.
        waiting: replaced files that a reader still holds; the next compaction removes them.
    """

    stage: str
    date: date
    before: int
    after: int
    rows: int
    waiting: int


def compact(
    archive: Archive,
    stage: str,
    *,
    since: date | None = None,
    until: date | None = None,
    target_bytes: int = TARGET_BYTES,
    patience_s: float = _PATIENCE_S,
) -> Iterator[Compacted]:
    """Merges files below the target size, date by date; dates with nothing to do are left out.

    Memory: a row group, whatever the size of the files.

    Args:
        archive: of the use case, on a file system of this machine or mounted here.
        stage: one of the archive's stages.
        since: first date.
        until: date after the last.
        target_bytes: size of merged files, about.
        patience_s: how long to wait for readers before replaced files are left to a later run.

    Raises:
        UnavailableError: another compaction of the stage is under way.
        DataError: a file is no Parquet file of an archive.
    """
    try:
        with locked(archive.path / stage, fcntl.LOCK_EX | fcntl.LOCK_NB):
            for day in archive.dates(stage, since=since, until=until):
                done = _compact_date(archive.folder(stage, day), target_bytes, patience_s)
                if done is not None:
                    yield Compacted(stage, day, *done)
    except BlockingIOError as error:
        raise UnavailableError(
            f"another compaction of {archive.path / stage} is under way; try again later"
        ) from error


def _compact_date(
    folder: Path, target_bytes: int, patience_s: float
) -> tuple[int, int, int, int] | None:
    """Files before and after, rows written and files waiting; None when nothing was to do."""
    for left in folder.glob(f"{_HIDDEN}*"):
        left.unlink()
    found = all_files(folder)
    before = counting(found)
    # A file that replaced others may be replaced itself only once those are gone.
    waiting = _remove(folder, found, before, patience_s)
    groups = [] if waiting else _groups(before, target_bytes)
    for group in groups:
        _merge(folder, group)
    if not groups and found == before:
        return None
    found = all_files(folder)
    after = counting(found)
    if groups:
        waiting = _remove(folder, found, after, patience_s)
    rows = sum(file.rows for group in groups for file in group)
    return len(before), len(after), rows, waiting


def _groups(found: Sequence[ArchiveFile], target_bytes: int) -> list[list[ArchiveFile]]:
    """Files to merge with each other, each group in an order that keeps offsets ascending."""
    groups: list[list[ArchiveFile]] = [[]]
    size = 0
    for file in _ordered([file for file in found if file.size < target_bytes]):
        if size + file.size > target_bytes:
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.size
    return [group for group in groups if len(group) > 1]


def _ordered(found: Sequence[ArchiveFile]) -> list[ArchiveFile]:
    """The files so that each partition's offsets ascend; none when no order does that."""
    by_path = {file.path: file for file in found}
    sorter = TopologicalSorter({path: set[Path]() for path in by_path})
    for partition in {partition for file in found for partition in file.spans}:
        spans = sorted(
            ((file.spans[partition], file) for file in found if partition in file.spans),
            key=lambda pair: (pair[0].first, pair[0].last),
        )
        for (span, file), (later, after) in pairwise(spans):
            if later.first <= span.last:
                return []  # the same offsets twice: `verify` has to say so, not hide it
            sorter.add(after.path, file.path)
    try:
        return [by_path[path] for path in sorter.static_order()]
    except CycleError:
        return []


def _merge(folder: Path, group: Sequence[ArchiveFile]) -> None:
    spans: dict[int, Span] = {}
    for file in group:
        spans.update((p, span.joined(spans.get(p))) for p, span in file.spans.items())
    notes = {
        OFFSETS_KEY: json.dumps({p: [s.first, s.last, s.rows] for p, s in sorted(spans.items())}),
        REPLACES_KEY: json.dumps([file.path.name for file in group]),
    }
    name = f"{uuid4()}.parquet"
    hidden = folder / f"{_HIDDEN}{name}"
    rows = _write(hidden, group, SCHEMA.with_metadata(notes))
    if rows != sum(file.rows for file in group):
        hidden.unlink()
        raise DataError(f"{folder}: merged files had {rows} rows, not as many as their footers say")
    _sync(hidden)
    hidden.rename(folder / f"{_PREFIX}{name}")
    _sync(folder)


def _write(path: Path, group: Sequence[ArchiveFile], schema: pa.Schema) -> int:
    rows = 0
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=["partition", "key"],
        write_statistics=["partition", "offset", "timestamp_ms"],
        column_encoding={"offset": "DELTA_BINARY_PACKED", "timestamp_ms": "DELTA_BINARY_PACKED"},
    ) as writer:
        for table in _row_groups(group):
            writer.write_table(table.replace_schema_metadata(schema.metadata), len(table))
            rows += len(table)
    return rows


def _row_groups(group: Sequence[ArchiveFile]) -> Iterator[pa.Table]:
    waiting: list[pa.RecordBatch] = []
    for file in group:
        with pq.ParquetFile(file.path) as parquet:
            for batch in parquet.iter_batches(_BATCH_ROWS, columns=SCHEMA.names):
                whole = with_columns(batch, SCHEMA.names)
                waiting.append(whole.cast(SCHEMA) if whole.schema != SCHEMA else whole)
                if (
                    sum(map(len, waiting)) >= _GROUP_ROWS
                    or sum(batch.nbytes for batch in waiting) >= _GROUP_BYTES
                ):
                    yield pa.Table.from_batches(waiting, SCHEMA)
                    waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting, SCHEMA)


def _remove(
    folder: Path, found: Sequence[ArchiveFile], kept: Sequence[ArchiveFile], patience_s: float
) -> int:
    """Removes files that do not count; how many could not be because readers hold the folder."""
    names = {file.path for file in kept}
    gone = [file.path for file in found if file.path not in names]
    deadline = time.monotonic() + patience_s
    while gone:
        try:
            with locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
                for path in gone:
                    path.unlink()
                return 0
        except BlockingIOError:
            if time.monotonic() > deadline:
                return len(gone)
            time.sleep(_POLL_S)
    return 0


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
