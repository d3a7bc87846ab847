"""The handbook's own features, as an oracle for ours.

The oracle is `features_2018-07-25_2018-08-14.parquet` of the handbook's folder: 201,295
transactions with features that the book's authors computed with pandas from the same file. Two
things in it are pandas' own, and the comparison allows for them: a mean of nothing but zeros is
1e-14 there, and simultaneous transactions of one customer (in one second) are in no fixed order.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import numpy as np
import pyarrow.parquet
from numpy.typing import NDArray

from millrace.sources.handbook import find_folder
from udfs.errors import ConfigurationError
from udfs.use_cases.fraud_records import Transaction

ORACLE = "features_2018-07-25_2018-08-14.parquet"
TOLERANCE = 1e-9

_COLUMN_OF = {
    "amount": "TX_AMOUNT",
    "weekend": "TX_DURING_WEEKEND",
    "night": "TX_DURING_NIGHT",
    **{f"customer_count_{d}d": f"CUSTOMER_ID_NB_TX_{d}DAY_WINDOW" for d in (1, 7, 30)},
    **{f"customer_mean_amount_{d}d": f"CUSTOMER_ID_AVG_AMOUNT_{d}DAY_WINDOW" for d in (1, 7, 30)},
    **{f"terminal_count_{d}d": f"TERMINAL_ID_NB_TX_{d}DAY_WINDOW" for d in (1, 7, 30)},
    **{f"terminal_risk_{d}d": f"TERMINAL_ID_RISK_{d}DAY_WINDOW" for d in (1, 7, 30)},
}


@dataclass(frozen=True)
class Oracle:
    """The oracle's rows, by transaction.

    Attributes:
        transaction_ids: int64, (n,), ascending.
        names: feature names in our words, (f,).
        features: float64, (n, f).
    """

    transaction_ids: NDArray[np.int64]
    names: tuple[str, ...]
    features: NDArray[np.float64]

    def equal(
        self, transaction_ids: NDArray[np.int64], features: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Which of the oracle's rows are met; bool (n,).

        A row is met when it is there exactly once, with flags and counts the same and amounts,
        means and risks within 1e-9 of the oracle's, relatively (and absolutely below 1).

        Args:
            transaction_ids: of our rows, (m,), in any order; rows the oracle lacks are ignored.
            features: our rows, (m, f), in the order of `names`.
        """
        order = np.argsort(transaction_ids, kind="stable")
        ids = transaction_ids[order]
        left = np.searchsorted(ids, self.transaction_ids, side="left")
        right = np.searchsorted(ids, self.transaction_ids, side="right")
        once = right - left == 1
        ours = features[order[np.minimum(left, len(ids) - 1)]]
        tolerance = np.array(
            [TOLERANCE if "amount" in n or "risk" in n else 0.0 for n in self.names]
        )
        near = np.abs(ours - self.features) <= tolerance * np.maximum(np.abs(self.features), 1.0)
        met: NDArray[np.bool_] = once & near.all(axis=1)
        return met

    def in_its_order(self, transactions: Iterable[Transaction]) -> Iterator[Transaction]:
        """The transactions, those of one second in the order in which the oracle counted them."""
        count = self.features[:, self.names.index("customer_count_30d")]
        counted = dict(zip(self.transaction_ids.tolist(), count.tolist(), strict=True))
        for _, simultaneous in groupby(transactions, key=attrgetter("event_time_ms")):
            yield from sorted(simultaneous, key=lambda t: counted.get(t.transaction_id, 0.0))


def handbook_oracle(path: Path, names: tuple[str, ...]) -> Oracle:
    """The oracle's columns for these features.

    Args:
        path: the handbook's folder, or the one above it.
        names: feature names in the order wanted.

    Raises:
        ConfigurationError: the folder lacks the oracle, or the oracle lacks a feature.
    """
    file = find_folder(path) / ORACLE
    missing = [name for name in names if name not in _COLUMN_OF]
    if missing or not file.is_file():
        lacking = f"no column for {', '.join(missing)}" if missing else "no such file"
        raise ConfigurationError(f"{file} is no oracle for these features: {lacking}")
    columns = ["TRANSACTION_ID", *(_COLUMN_OF[name] for name in names)]
    table = pyarrow.parquet.read_table(file, columns=columns).sort_by("TRANSACTION_ID")
    values = [table.column(column).to_numpy().astype(np.float64) for column in columns[1:]]
    return Oracle(table.column(columns[0]).to_numpy(), names, np.column_stack(values))
