"""An archive's records as they would come from Kafka: each partition by offset, all by time.

Files go by date, and a record of an old date may have come last (late, or redriven). So a file is
read as soon as it holds a partition back, whatever its date.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from millrace.archive.layout import PLAIN_SCHEMA, Archive
from millrace.archive.listing import ArchiveFile, files
from millrace.kafka.readers import Offsets
from udfs.errors import UnavailableError

Ints = NDArray[np.int64]
Ranges = Mapping[str, tuple[Offsets, Offsets]]
"""By stage, the first offset of each partition and the one after the last."""
Stream = tuple[str, int]
"""A stage and a partition of its topic."""

SLOT_RECORDS = 8_192
SLOT_MS = 3_600_000
_NEVER = -(2**62)
_FOR_EVER = 2**62


@dataclass(frozen=True)
class Slot:
    """Records of all stages that lie within an hour.

    Attributes:
        until_ms: no partition's later records begin before this time, other than out of order.
        records: by stage, rows with the columns of `PLAIN_SCHEMA`.
    """

    until_ms: int
    records: Mapping[str, pa.Table]


@dataclass
class _Queue:
    """What is read of one partition and not given yet, in the order of offsets.

    A row's time is the newest Kafka timestamp up to it; those in the future are passed over.
    """

    start: int
    end: int
    clock_ms: int = _NEVER
    later: pa.Table = field(default_factory=PLAIN_SCHEMA.empty_table)
    is_sorted: bool = True
    rows: list[pa.Table] = field(default_factory=list)
    times: list[Ints] = field(default_factory=list)

    def add(self, rows: pa.Table) -> None:
        """Takes rows of a file."""
        self.later = pa.concat_tables([self.later, rows])
        self.is_sorted = False

    def move(self, limit: int, newest_ms: int) -> None:
        """Rows below an offset get their place in time: nothing can come before them any more."""
        if not len(self.later):
            return
        if not self.is_sorted:
            self.later = self.later.sort_by("offset").combine_chunks()
            self.is_sorted = True
        count = int(np.searchsorted(self.later["offset"].to_numpy(), limit))
        rows, self.later = self.later.slice(0, count), self.later.slice(count)
        times = rows["timestamp_ms"].to_numpy()
        times = np.maximum.accumulate(
            np.concatenate(([self.clock_ms], np.where(times <= newest_ms, times, _NEVER)))
        )[1:]
        if count:
            self.clock_ms = int(times[-1])
            self.rows.append(rows)
            self.times.append(times)

    def take(self, until_ms: int) -> tuple[pa.Table, Ints]:
        """Rows up to a time, with their times; they are gone from here."""
        rows = pa.concat_tables([PLAIN_SCHEMA.empty_table(), *self.rows])
        times = np.concatenate([np.empty(0, np.int64), *self.times])
        count = int(np.searchsorted(times, until_ms, side="right"))
        self.rows, self.times = [rows.slice(count)], [times[count:]]
        return rows.slice(0, count), times[:count]


def merged(archive: Archive, ranges: Ranges, newest_ms: int) -> Iterator[Slot]:
    """The records of some stages, merged by Kafka time in slots of an hour at most.

    Each partition's records come in the order of their offsets; those of different partitions and
    stages lie never further apart than a slot, as far as their times are in order.

    Memory: the files under way, as a rule those of a day or two.

    Args:
        archive: of the use case.
        ranges: what is read; its stages in the order of the slots' parts.
        newest_ms: Kafka timestamps beyond are no times to go by.

    Raises:
        UnavailableError: the archive was compacted meanwhile.
    """
    queues = {
        (stage, partition): _Queue(offset, end[partition])
        for stage, (start, end) in ranges.items()
        for partition, offset in start.items()
        if offset < end[partition]
    }
    unread = _Unread(archive, queues)
    while True:
        for stream, queue in queues.items():
            queue.move(unread.limit(stream, queue.end), newest_ms)
        held = [stream for stream in queues if unread.of(stream)]
        behind = min(held, key=lambda stream: queues[stream].clock_ms, default=None)
        until_ms = _FOR_EVER if behind is None else queues[behind].clock_ms
        yield from _slots(queues, until_ms, tuple(ranges))
        if behind is None:
            return
        _load(behind[0], unread.pop(behind), queues)


class _Unread:
    """Files that are still to be read, by stream in the order of their first offsets."""

    def __init__(self, archive: Archive, queues: Mapping[Stream, _Queue]) -> None:
        self._read: set[Path] = set()
        self._waiting: dict[Stream, list[tuple[int, Path, ArchiveFile]]] = {}
        for stage in {stage for stage, _ in queues}:
            for file in _files(archive, stage):
                for partition, span in file.spans.items():
                    queue = queues.get((stage, partition))
                    if queue and span.first < queue.end and span.last >= queue.start:
                        place = (span.first, file.path, file)
                        self._waiting.setdefault((stage, partition), []).append(place)
        for places in self._waiting.values():
            places.sort(key=lambda place: place[:2], reverse=True)

    def of(self, stream: Stream) -> list[tuple[int, Path, ArchiveFile]]:
        """Files of a stream, the first one last."""
        places = self._waiting.get(stream, [])
        while places and places[-1][1] in self._read:
            places.pop()
        return places

    def limit(self, stream: Stream, end: int) -> int:
        """The first offset of a stream that is still to be read; `end` when there is none."""
        places = self.of(stream)
        return places[-1][0] if places else end

    def pop(self, stream: Stream) -> ArchiveFile:
        """The file that holds a stream back."""
        _, path, file = self.of(stream)[-1]
        self._read.add(path)
        return file


def _files(archive: Archive, stage: str) -> list[ArchiveFile]:
    return [file for day in archive.dates(stage) for file in files(archive, stage, day)]


def _load(stage: str, file: ArchiveFile, queues: Mapping[Stream, _Queue]) -> None:
    try:
        # Its folder's name is no column.
        table = pq.read_table(file.path, columns=PLAIN_SCHEMA.names, partitioning=None)
    except FileNotFoundError as error:
        raise UnavailableError(
            f"{file.path} is gone: the archive was compacted meanwhile; try again"
        ) from error
    table = table.cast(PLAIN_SCHEMA)
    partitions, offsets = table["partition"].to_numpy(), table["offset"].to_numpy()
    for partition in file.spans:
        queue = queues.get((stage, partition))
        if queue is not None:
            inside = (offsets >= queue.start) & (offsets < queue.end)
            queue.add(table.filter(pa.array((partitions == partition) & inside)))


def _slots(queues: Mapping[Stream, _Queue], until_ms: int, stages: Sequence[str]) -> Iterator[Slot]:
    """What all queues have up to a time, in slots."""
    taken = {stream: queue.take(until_ms) for stream, queue in queues.items()}
    found = {}
    for stage in stages:
        parts = [part for (of, _), part in taken.items() if of == stage]
        rows = pa.concat_tables([PLAIN_SCHEMA.empty_table(), *(rows for rows, _ in parts)])
        times = np.concatenate([np.empty(0, np.int64), *(times for _, times in parts)])
        order = np.argsort(times, kind="stable")
        found[stage] = rows.take(order), times[order]
    times = np.sort(np.concatenate([times for _, times in found.values()]))
    done = dict.fromkeys(stages, 0)
    for last_ms in _cuts(times):
        records = {}
        for stage, (rows, at) in found.items():
            upto = int(np.searchsorted(at, last_ms, side="right"))
            records[stage] = rows.slice(done[stage], upto - done[stage])
            done[stage] = upto
        yield Slot(last_ms, records)


def _cuts(times: Ints) -> Iterator[int]:
    """Times (n,), ascending, cut where an hour is over or a slot is full; each slot's last one.

    >>> list(_cuts(np.array([0, 5, SLOT_MS - 1, SLOT_MS, 3 * SLOT_MS])))
    [3599999, 3600000, 10800000]
    """
    begin = 0
    while begin < len(times):
        hour_end = int(times[begin]) + SLOT_MS
        end = min(int(np.searchsorted(times, hour_end)), begin + SLOT_RECORDS)
        last_ms = int(times[end - 1])
        yield last_ms
        begin = int(np.searchsorted(times, last_ms, side="right"))
