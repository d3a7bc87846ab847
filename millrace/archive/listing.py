"""What files an archive holds, without reading their rows.

A compacted file takes the place of smaller ones and names them in its footer. Until those are
removed both can be seen in the folder; the names in the footer decide which count. They are
removed only while no reader holds the folder, so a reader sees each row exactly once.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from millrace.archive.layout import Archive
from udfs.errors import DataError

OFFSETS_KEY = b"millrace.offsets"
"""Footer entry: JSON, `{partition: [first offset, last offset, rows]}`."""
REPLACES_KEY = b"millrace.replaces"
"""Footer entry of a compacted file: JSON, names of the files in whose place it is."""


@dataclass(frozen=True)
class Span:
    """Offsets of one partition: the first and last one, and how many rows there are."""

    first: int
    last: int
    rows: int

    def joined(self, other: "Span | None") -> "Span":
        """Both together.

        >>> Span(3, 5, 3).joined(Span(9, 9, 1))
        Span(first=3, last=9, rows=4)
        """
        if other is None:
            return self
        return Span(
            min(self.first, other.first), max(self.last, other.last), self.rows + other.rows
        )


@dataclass(frozen=True)
class ArchiveFile:
    """A file of an archive.

    Attributes:
        path: where it is.
        rows: how many rows it has.
        size: bytes on disk.
        spans: offsets by partition.
        replaces: names of files in the same folder that no longer count.
    """

    path: Path
    rows: int
    size: int
    spans: Mapping[int, Span]
    replaces: frozenset[str] = frozenset()


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keeps compaction from removing files of a folder while the block runs."""
    with locked(folder, fcntl.LOCK_SH):
        yield


@contextmanager
def locked(folder: Path, how: int) -> Iterator[None]:
    """A folder's advisory lock; it ends with the process, however that ends.

    Raises:
        BlockingIOError: another process has it and `how` does not wait.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def files(archive: Archive, stage: str, day: date) -> list[ArchiveFile]:
    """The files of a stage and date that count now, by name.

    Raises:
        DataError: one of them is no Parquet file of an archive.
    """
    folder = archive.folder(stage, day)
    with held(folder):
        return counting(all_files(folder))


def all_files(folder: Path, known: Mapping[Path, ArchiveFile] | None = None) -> list[ArchiveFile]:
    """All complete files of a folder, by name, also those that a compacted one replaces.

    Args:
        folder: of a stage and date; `held` it meanwhile.
        known: files that were described before, which never change.
    """
    return [(known or {}).get(path) or describe(path) for path in _complete(folder)]


def counting_footers(folder: Path) -> dict[Path, pq.FileMetaData]:
    """The files of a folder that count now, by name; `held` it meanwhile.

    Says no offsets, which have to be read from the rows where somebody else wrote the file.
    """
    footers = {path: _footer(path) for path in _complete(folder)}
    replaced = _replaced(map(_replaces, footers.values()))
    return {path: footer for path, footer in footers.items() if path.name not in replaced}


def _complete(folder: Path) -> list[Path]:
    names = sorted(entry.name for entry in os.scandir(folder) if entry.name[0] not in "._")
    return [folder / name for name in names if name.endswith(".parquet")]


def counting(found: list[ArchiveFile]) -> list[ArchiveFile]:
    """Those of a folder's files that no other one of them replaces."""
    replaced = _replaced(file.replaces for file in found)
    return [file for file in found if file.path.name not in replaced]


def describe(path: Path) -> ArchiveFile:
    """A file by its footer.

    Raises:
        DataError: it is no Parquet file of an archive.
    """
    footer = _footer(path)
    entries = footer.metadata or {}
    spans = json.loads(entries[OFFSETS_KEY]) if OFFSETS_KEY in entries else None
    return ArchiveFile(
        path,
        footer.num_rows,
        path.stat().st_size,
        spans_of(path) if spans is None else {int(p): Span(*span) for p, span in spans.items()},
        _replaces(footer),
    )


def _footer(path: Path) -> pq.FileMetaData:
    try:
        return pq.read_metadata(path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} is no Parquet file: {error}") from error


def _replaced(by_file: Iterable[frozenset[str]]) -> frozenset[str]:
    """Names of the files that any other one of their folder stands for."""
    return frozenset().union(*by_file)


def _replaces(footer: pq.FileMetaData) -> frozenset[str]:
    return frozenset(json.loads((footer.metadata or {}).get(REPLACES_KEY, b"[]")))


def spans_of(path: Path) -> dict[int, Span]:
    """Offsets by partition, from the rows themselves; for files that somebody else wrote."""
    rows = pq.read_table(path, columns=["partition", "offset"], partitioning=None)
    partitions, offsets = rows["partition"].to_numpy(), rows["offset"].to_numpy()
    found = {}
    for partition in np.unique(partitions).tolist():
        here = offsets[partitions == partition]
        found[partition] = Span(int(here.min()), int(here.max()), len(here))
    return found
