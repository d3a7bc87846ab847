"""Rows between the keyed stages hold what was put into them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.features.spec import FeatureSpec
from udfs.functions.rows import (
    KEY,
    LabelChanges,
    RecordColumns,
    RecordRows,
    decode_rows,
    encode_rows,
)
from udfs.use_cases.fraud import FRAUD

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


def test_records_come_out_as_they_went_in() -> None:
    case = replace(
        FRAUD,
        columns=("amount_cents",),
        spec=FeatureSpec((), (Odd(),), second=FRAUD.spec.second),
    )
    rows = RecordRows(case)
    column = np.array([5, -6, 2**53])
    given = RecordColumns(
        partitions=np.array([0, 1, 2], np.int32),
        streams=column + 3,
        offsets=column,
        timestamp_ms=column + 1,
        sequence=column + 2,
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


def test_changes_of_labels_come_out_as_they_went_in() -> None:
    columns = np.arange(8 * COUNT).reshape(8, COUNT)
    given = LabelChanges(*columns)
    found = LabelChanges.of(decode_rows(encode_rows(given.cells(20))))
    assert [column.tolist() for column in vars(found).values()] == columns.tolist()
