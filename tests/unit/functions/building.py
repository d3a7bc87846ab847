"""Builds raw blocks as the JVM packs them, and records as they go from stage to stage."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from udfs.features.values import WindowValues
from udfs.functions.blocks import RawBlock
from udfs.functions.record_rows import RecordColumns
from udfs.functions.rows import stream_of
from udfs.use_cases.fraud import FRAUD, Transaction

Record = tuple[bytes | None, bytes | None, int]
"""Key, value, Kafka timestamp."""


def packed(records: Sequence[Record], *, partition: int = 3, first_offset: int = 100) -> bytes:
    """The bytes of `millrace.flink.BlockBuilder` for these records."""
    count = len(records)
    keys, values, timestamps = zip(*records, strict=True) if records else ((), (), ())

    def lengths(parts: Sequence[bytes | None]) -> bytes:
        return np.array([-1 if p is None else len(p) for p in parts], "<i4").tobytes()

    return b"".join(
        [
            np.array([count, 0], "<i4").tobytes(),
            np.arange(first_offset, first_offset + count, dtype="<i8").tobytes(),
            np.array(timestamps, "<i8").tobytes(),
            np.full(count, partition, "<i4").tobytes(),
            lengths(keys),
            lengths(values),
            b"".join(k or b"" for k in keys),
            b"".join(v or b"" for v in values),
        ]
    )


def raw(records: Sequence[Record]) -> RawBlock:
    """The raw block of these records, in partition 3 from offset 100."""
    return RawBlock.decode(packed(records))


def record(transaction_id: int = 1, *, customer_id: int = 5, time: int = 1_000_000) -> Record:
    """A usable record."""
    value = Transaction(transaction_id, customer_id, 7, 1234, time)
    return b"%d" % customer_id, msgspec.json.encode(value), time


def record_columns(
    partitions: NDArray[np.int32], shard: int, values: WindowValues, **columns: Any
) -> RecordColumns:
    """Records of fraud between the keyed stages, (n,); what is not given is 0."""
    none = np.zeros(len(partitions), np.int64)
    return RecordColumns(
        partitions=partitions,
        streams=stream_of(partitions, shard),
        offsets=none,
        timestamp_ms=none,
        sequence=none,
        late=none.astype(np.bool_),
        duplicate=none.astype(np.bool_),
        columns=dict.fromkeys(FRAUD.column_types, none) | columns,
        windows={"customer": values},
    )
