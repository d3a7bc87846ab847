"""Blocks of rows of fixed width: what goes from one keyed stage to the next through the JVM.

The other end is `millrace.flink.RowBlocks`. Little-endian: int32 -1, n, cells, 0; then n rows of
so many cells of 8 bytes. What a record has in them is `udfs.functions.record_rows`'.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROWS = -1
"""The first int of a block of rows; raw blocks and answers begin with one that is not negative."""

TIME, SOURCE, OFFSET, KEY = range(4)
"""The cells that all rows begin with: what they are ordered by, and the entity key.

Of a record these are its event time and its second entity key. `SOURCE` is, from the highest byte
on: 1 of a record and 0 of the change of a label, which comes before records of its time; four
bytes of the source partition and two of the shard, together the stream; a byte of flags.
"""

_SHARDS = 65_536
_KIND_BIT, _PARTITION_BIT, _STREAM_BIT = 56, 24, 8
_RECORD = 1 << _KIND_BIT
_FLAGS = 0xFF
_HEADER_BYTES = 16

Cells = NDArray[np.int64]
"""Rows of cells, (n, cells)."""


def encode_rows(cells: Cells) -> bytes:
    """A block of rows (n, cells)."""
    header = np.array([ROWS, *cells.shape, 0], "<i4")
    return b"".join((header.data, np.ascontiguousarray(cells, "<i8").data))


def decode_rows(block: bytes) -> Cells:
    """The rows of a block, (n, cells)."""
    _, count, cells, _ = np.frombuffer(block, "<i4", 4).tolist()
    return np.frombuffer(block, "<i8", count * cells, _HEADER_BYTES).reshape(count, cells)


def record_sources(streams: NDArray[np.int64], flags: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The cells `SOURCE` (n,) of records of these streams, see `stream_of`, with these flags."""
    return (streams << _STREAM_BIT) + flags + _RECORD


def flags_in(cells: Cells) -> NDArray[np.int64]:
    """The flags of rows (n, cells)."""
    return cells[:, SOURCE] & _FLAGS


def are_records(cells: Cells) -> NDArray[np.bool_]:
    """Which rows (n, cells) are records, bool (n,); the others are changes of labels."""
    found: NDArray[np.bool_] = cells[:, SOURCE] >= _RECORD
    return found


def streams_in(cells: Cells) -> NDArray[np.int64]:
    """The streams, see `stream_of`, of records (n, cells); changes of labels have none."""
    return (cells[:, SOURCE] & _RECORD - 1) >> _STREAM_BIT


def sources_in(cells: Cells) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Source partitions and offsets of rows (n, cells)."""
    partitions = (cells[:, SOURCE] & _RECORD - 1) >> _PARTITION_BIT
    return partitions.astype(np.int32), cells[:, OFFSET]


@dataclass(frozen=True)
class LabelChanges:
    """Changes of labels that came from the join, `millrace.flink.LabelJoin`; int64 (n,) each.

    Attributes:
        known_ms: when the label became known.
        partition: of the label in its topic.
        offset: of the label in its topic.
        second_key: the second entity key of the label's record.
        event_time_ms: event time of the label's record.
        record_stream: stream of the label's record, see `stream_of`.
        change: what the label is now less what it was, never 0.
        business_id: of the label's record.
    """

    known_ms: NDArray[np.int64]
    partition: NDArray[np.int64]
    offset: NDArray[np.int64]
    second_key: NDArray[np.int64]
    event_time_ms: NDArray[np.int64]
    record_stream: NDArray[np.int64]
    change: NDArray[np.int64]
    business_id: NDArray[np.int64]

    def __len__(self) -> int:
        """The number of changes."""
        return len(self.change)

    @classmethod
    def of(cls, rows: Cells) -> "LabelChanges":
        """The changes that the rows hold, (n, cells)."""
        time, source, offset, key, stream, event_time, change, business_id = rows.T[
            :LABEL_CHANGE_CELLS
        ]
        partition = source >> _PARTITION_BIT
        return cls(time, partition, offset, key, event_time, stream, change, business_id)


LABEL_CHANGE_CELLS = 8


def stream_of(partitions: NDArray[np.int32], shard_key: int) -> NDArray[np.int64]:
    """The streams in which records keep their order on the way to the second stage.

    Those of one source partition that went through one shard of the first stage do; those of
    other shards may be overtaken. So a stream, not a partition, has a clock in the second stage.

    >>> stream_of(np.array([0, 1], np.int32), 5).tolist()
    [5, 65541]
    """
    found: NDArray[np.int64] = partitions.astype(np.int64) * _SHARDS + shard_key
    return found
