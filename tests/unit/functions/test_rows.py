"""Rows between the keyed stages hold what was put into them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.unit.functions.building import record_columns
from udfs.features.spec import FeatureSpec
from udfs.features.values import WindowValues
from udfs.functions.record_rows import RecordColumns, RecordRows
from udfs.functions.rows import (
    KEY,
    SOURCE,
    LabelChanges,
    are_records,
    decode_rows,
    encode_rows,
    stream_of,
)
from udfs.use_cases.fraud import FRAUD, Transaction

COUNT = 3


@dataclass(frozen=True)
class Odd:
    """A fold whose result is a tuple of a float32 vector and an int32 column."""

    name: str = "odd"
    key: str = "customer_id"
    values: tuple[str, ...] = ()

    def start(self, lateness_ms: int) -> "OddFold":
        """The fold."""
        return OddFold()


class OddFold:
    """Gives a float32 matrix and an int32 column."""

    keep_ms: int | None = None

    def update(self, keys: Any, times: Any, values: Any, newest: Any) -> tuple[Any, Any]:
        """The same for all records."""
        return np.ones(len(keys), np.int64), odd(len(keys))

    def load(self, keys: Any, times: Any, values: Any, sequences: Any) -> None:
        """Nothing."""

    def forget(self, floor_ms: int) -> None:
        """Nothing."""


def odd(count: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    matrix = np.arange(2 * count, dtype=np.float32).reshape(count, 2) / 3
    return matrix, np.arange(count, dtype=np.int32)


class Counted(Transaction, frozen=True):
    """A transaction with a field that rows have one of their own of."""

    sequence: int


def test_records_come_out_as_they_went_in() -> None:
    case = replace(
        FRAUD,
        record_type=Counted,
        columns=("amount_cents", "sequence"),
        spec=FeatureSpec((), (Odd(),), second=FRAUD.spec.second),
    )
    rows = RecordRows(case)
    column = np.array([5, -6, 2**53])
    given = RecordColumns(
        partitions=np.array([0, 1, 2], np.int32),
        streams=stream_of(np.array([0, 1, 2], np.int32), 65_535),
        offsets=column,
        timestamp_ms=column + 1,
        sequence=np.array([1, 7, 2**32 - 1]),
        late=np.array([True, False, True]),
        duplicate=np.array([False, False, True]),
        columns={field: column + i for i, field in enumerate(case.column_types)},
        windows={"odd": odd(COUNT)},
    )
    cells = decode_rows(encode_rows(rows.encode(given)))
    found = rows.decode(cells)
    assert cells[:, KEY].tolist() == given.columns["terminal_id"].tolist()
    assert cells[:, rows.business_id_cell].tolist() == given.columns["transaction_id"].tolist()
    for name in (
        "partitions",
        "streams",
        "offsets",
        "timestamp_ms",
        "sequence",
        "late",
        "duplicate",
    ):
        assert getattr(found, name).tolist() == getattr(given, name).tolist()
    assert {f: c.tolist() for f, c in found.columns.items()} == {
        f: c.tolist() for f, c in given.columns.items()
    }
    for one, other in zip(found.windows["odd"], odd(COUNT), strict=True):
        assert (one.dtype, one.tolist()) == (other.dtype, other.tolist())


def test_counts_of_events_and_vectors_come_out_as_they_went_in() -> None:
    rows = RecordRows(FRAUD)
    counts = np.array([[1, 2, 3], [4, 5, 2**31 - 1]])
    totals = np.array([[-1, 2**60, 3], [4, 5, 6]])
    partitions = np.array([7, 40_000], np.int32)
    columns = {field: np.full(2, i) for i, field in enumerate(FRAUD.column_types)}
    given = record_columns(partitions, 3, WindowValues(counts, totals), **columns)
    cells = decode_rows(encode_rows(rows.encode(given)))
    found = rows.decode(cells)
    values = found.windows["customer"]
    assert (values.count.dtype, values.count.tolist()) == (np.int64, counts.tolist())
    assert values.total.tolist() == totals.tolist()
    assert found.partitions.tolist() == [7, 40_000]
    assert found.streams.tolist() == given.streams.tolist()
    assert are_records(cells).tolist() == [True, True]


def test_changes_of_labels_stand_where_the_join_puts_them() -> None:
    cells = np.arange(13 * COUNT).reshape(COUNT, 13)
    partitions = np.array([0, 5, 2**31 - 1])
    cells[:, SOURCE] = partitions << 24
    known, _, offset, key, stream, event_time, change, business_id = cells.T[:8]
    expected = LabelChanges(
        known_ms=known,
        partition=partitions,
        offset=offset,
        second_key=key,
        event_time_ms=event_time,
        record_stream=stream,
        change=change,
        business_id=business_id,
    )
    found = LabelChanges.of(decode_rows(encode_rows(cells)))
    assert {name: column.tolist() for name, column in vars(found).items()} == {
        name: column.tolist() for name, column in vars(expected).items()
    }
    assert not are_records(cells).any()
