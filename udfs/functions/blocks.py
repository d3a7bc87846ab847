"""The two block layouts that pass between the JVM and the Python workers.

Both are little-endian and written beside the Java classes that read or write the other end:
`millrace.flink.BlockBuilder` (raw blocks), `millrace.flink.UnpackFunction` and
`millrace.flink.ColumnLines` (answers).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.functions.slices import Slices

LAYOUT_VERSION = 4
"""Of all layouts; `millrace.flink.Blocks.VERSION` is the same."""

_HEADER_BYTES = 8
_LINES, _COLUMNS = range(2)
_COLUMN_TYPES = {"i": 0, "f": 1, "b": 2}


@dataclass(frozen=True, slots=True)
class RawBlock:
    """Kafka records of one shard in order of arrival; every column has shape (n,).

    Attributes:
        offsets: source offsets, int64.
        timestamps_ms: Kafka timestamps, int64.
        partitions: source partitions, int32.
        keys: key bytes, None where Kafka had null.
        values: value bytes, None where Kafka had null.
    """

    offsets: NDArray[np.int64]
    timestamps_ms: NDArray[np.int64]
    partitions: NDArray[np.int32]
    keys: Slices
    values: Slices

    def __len__(self) -> int:
        """The number of records."""
        return len(self.values)

    @classmethod
    def decode(cls, block: bytes) -> "RawBlock":
        """The block behind the bytes of `millrace.flink.BlockBuilder`."""
        count = int(np.frombuffer(block, "<i4", 1)[0])
        longs = np.frombuffer(block, "<i8", 2 * count, _HEADER_BYTES)
        ints = np.frombuffer(block, "<i4", 3 * count, _HEADER_BYTES + 16 * count)
        keys_at = _HEADER_BYTES + 28 * count
        key_lengths, value_lengths = ints[count : 2 * count], ints[2 * count :]
        keys = Slices.behind(block, keys_at, key_lengths)
        values_at = keys_at + int(np.maximum(key_lengths, 0).sum())
        values = Slices.behind(block, values_at, value_lengths)
        return cls(longs[:count], longs[count:], ints[:count], keys, values)

    def at(self, places: NDArray[np.int64]) -> "RawBlock":
        """The records at these places, (m,)."""
        return RawBlock(
            self.offsets[places],
            self.timestamps_ms[places],
            self.partitions[places],
            self.keys.at(places),
            self.values.at(places),
        )

    def encode(self) -> bytes:
        """The bytes as `millrace.flink.BlockBuilder` would write them."""
        return b"".join(
            (
                np.array([len(self), 0], "<i4").tobytes(),
                self.offsets.astype("<i8").tobytes(),
                self.timestamps_ms.astype("<i8").tobytes(),
                self.partitions.astype("<i4").tobytes(),
                self.keys.lengths.astype("<i4").tobytes(),
                self.values.lengths.astype("<i4").tobytes(),
                self.keys.joined(),
                self.values.joined(),
            )
        )


def encode_lines(topic: int, keys: Slices, lines: bytes) -> bytes:
    """A section of an answer: records for one topic of the sink, written out.

    Args:
        topic: the topic's place in the sink's list.
        keys: record keys, (n,); None is Kafka's null.
        lines: n values, each ended by a line feed and with none inside.
    """
    return _section(topic, _LINES, keys, lines)


def encode_columns(topic: int, keys: Slices, parts: Sequence[bytes | NDArray[Any]]) -> bytes:
    """A section of an answer whose records share most of their text, which travels once.

    Args:
        topic: the topic's place in the sink's list.
        keys: record keys, (n,).
        parts: what a value is made of, in order: text, or a column of shape (n,) whose entry is
            written as JSON; int64 (or narrower), float32 (with the fewest digits that give the
            same float32 again) or bool.
    """
    texts, columns = [b""], []
    for part in parts:
        if isinstance(part, bytes):
            texts[-1] += part
        else:
            texts.append(b"")
            columns.append(part.astype("<i8") if part.dtype.kind == "i" else part)
    types = [_COLUMN_TYPES[column.dtype.kind] for column in columns]
    head = np.array([len(columns), *types, *map(len, texts)], dtype="<i4")
    data = b"".join((head.tobytes(), *texts, *(column.tobytes() for column in columns)))
    return _section(topic, _COLUMNS, keys, data)


def _section(topic: int, form: int, keys: Slices, values: bytes) -> bytes:
    joined, lengths = keys.joined(), keys.lengths.astype("<i4")
    header = np.array([topic, form, len(keys), len(joined), len(values)], dtype="<i4")
    return b"".join((header.tobytes(), lengths.tobytes(), joined, values))
