"""Labels of a block in columns, with their bytes at hand for those that have to wait."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from udfs.functions.blocks import RawBlock
from udfs.functions.clean import CleanBlock
from udfs.functions.slices import Slices
from udfs.use_cases.label_records import LABEL_FIELD, LABEL_TIME

Ints = NDArray[np.int64]

_COLUMNS = 3
_COLUMNS_BYTES = 8 * _COLUMNS


class Waiting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A label whose record is not known, and where it came from."""

    business_id: int
    label: int
    known_ms: int
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True)
class ToldLabels:
    """Labels in order of arrival, (n,) each.

    Attributes:
        ids: business ids.
        labels: the labels.
        known_ms: when they became known.
        raw: the records that they came in.
    """

    ids: Ints
    labels: Ints
    known_ms: Ints
    raw: RawBlock

    def __len__(self) -> int:
        """The number of labels."""
        return len(self.ids)

    def at(self, places: Ints) -> "ToldLabels":
        """Those at these places, (m,)."""
        raw = self.raw.at(places)
        return ToldLabels(self.ids[places], self.labels[places], self.known_ms[places], raw)

    def waiting(self, place: int) -> Waiting:
        """The label at a place with its bytes."""
        raw = self.raw
        return Waiting(
            int(self.ids[place]),
            int(self.labels[place]),
            int(self.known_ms[place]),
            int(raw.partitions[place]),
            int(raw.offsets[place]),
            int(raw.timestamps_ms[place]),
            raw.keys[place],
            raw.values[place],
        )

    def encode(self) -> bytes:
        """The bytes that `decode` reads: the raw block, then the columns."""
        columns = np.concatenate([self.ids, self.labels, self.known_ms]).astype("<i8")
        return self.raw.encode() + columns.tobytes()

    @classmethod
    def decode(cls, data: bytes) -> "ToldLabels":
        """The labels behind the bytes of `encode`."""
        raw = RawBlock.decode(data)
        columns = np.frombuffer(data[len(data) - _COLUMNS_BYTES * len(raw) :], "<i8")
        ids, labels, known_ms = columns.reshape(_COLUMNS, -1)
        return cls(ids, labels, known_ms, raw)

    @classmethod
    def of(cls, labels: Sequence[Waiting]) -> "ToldLabels":
        """Labels one by one."""
        rows = [
            (x.business_id, x.label, x.known_ms, x.offset, x.timestamp_ms, x.partition)
            for x in labels
        ]
        ids, values, known_ms, offsets, times, partitions = (
            np.array(rows, np.int64).reshape(-1, 6).T
        )
        keys, bytes_ = Slices.of(x.key for x in labels), Slices.of(x.value for x in labels)
        raw = RawBlock(offsets, times, partitions.astype(np.int32), keys, bytes_)
        return cls(ids, values, known_ms, raw)

    @classmethod
    def clean(cls, block: CleanBlock, business_id: str) -> "ToldLabels":
        """The labels of a clean block."""
        columns = block.columns
        return cls(
            columns[business_id],
            columns[LABEL_FIELD],
            columns[LABEL_TIME],
            block.raw.at(block.places),
        )
