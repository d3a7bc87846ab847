"""A history: an archive's records in one file, in the order in which a job reads them.

Frames, little-endian, read by `millrace.flink.HistoryFormat`:

    int32 bytes of what follows; int32 stage; int64 watermark; raw block

A raw block is that of `udfs.functions.blocks`; the watermark holds behind it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from millrace.archive.layout import PLAIN_SCHEMA, Archive
from millrace.archive.merged import SLOT_RECORDS, Ranges, merged
from udfs.functions.blocks import RawBlock
from udfs.functions.slices import Slices

NO_WATERMARK = -(2**63)
_NEVER = -(2**62)

OnRecords = Callable[[int], None]
"""Told how many records were written."""


@dataclass(frozen=True)
class HistoryOptions:
    """How a history is written.

    Attributes:
        ranges: by stage, the first offset of each partition and the one after the last.
        holding: by stage, partitions that go on in Kafka: watermarks do not pass them.
        lateness_ms: how far watermarks stay behind.
        newest_ms: Kafka timestamps beyond are no times to go by.
    """

    ranges: Ranges
    holding: Mapping[str, frozenset[int]]
    lateness_ms: int
    newest_ms: int


def write_history(
    path: Path, archive: Archive, options: HistoryOptions, on_records: OnRecords
) -> int:
    """Writes the records of some stages and returns the number of frames.

    Raises:
        UnavailableError: the archive was compacted meanwhile.
    """
    frames = records = 0
    clocks = {
        (stage, partition): _NEVER
        for stage, partitions in options.holding.items()
        for partition in partitions
    }
    with path.open("wb") as out:
        for slot in merged(archive, options.ranges, options.newest_ms):
            for place, (stage, rows) in enumerate(slot.records.items()):
                _tick(clocks, stage, rows, options.newest_ms)
                times = [at_ms for (of, _), at_ms in clocks.items() if of == stage]
                watermark = _watermark(min([slot.until_ms, *times]), options.lateness_ms)
                for block in _blocks(rows):
                    out.write(_frame(place, watermark, block))
                    frames += 1
                records += len(rows)
            on_records(records)
    return frames


def _watermark(time_ms: int, lateness_ms: int) -> int:
    """As Flink's `forBoundedOutOfOrderness` reckons it."""
    return NO_WATERMARK if time_ms == _NEVER else time_ms - lateness_ms - 1


def _tick(clocks: dict[tuple[str, int], int], stage: str, rows: pa.Table, newest_ms: int) -> None:
    partitions, times = rows["partition"].to_numpy(), rows["timestamp_ms"].to_numpy()
    times = np.where(times <= newest_ms, times, _NEVER)
    for partition in np.unique(partitions).tolist():
        if (stage, partition) in clocks:
            newest = int(times[partitions == partition].max())
            clocks[stage, partition] = max(clocks[stage, partition], newest)


def _blocks(rows: pa.Table) -> list[bytes]:
    """Blocks of the rows; an empty one where there are none, since watermarks go on."""
    return [
        _block(rows.slice(begin, SLOT_RECORDS))
        for begin in range(0, max(len(rows), 1), SLOT_RECORDS)
    ]


def _block(rows: pa.Table) -> bytes:
    columns = {name: rows[name] for name in PLAIN_SCHEMA.names}
    return RawBlock(
        offsets=columns["offset"].to_numpy(),
        timestamps_ms=columns["timestamp_ms"].to_numpy(),
        partitions=columns["partition"].to_numpy(),
        keys=Slices.of(columns["key"].to_pylist()),
        values=Slices.of(columns["value"].to_pylist()),
    ).encode()


def _frame(place: int, watermark_ms: int, block: bytes) -> bytes:
    head = np.array([12 + len(block), place], "<i4").tobytes()
    return head + np.array([watermark_ms], "<i8").tobytes() + block
