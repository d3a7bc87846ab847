"""The oracle's comparison meets equal rows and nothing else."""

import numpy as np

from benchmarks.parity_oracle import Oracle
from udfs.use_cases.fraud_records import Transaction

NAMES = ("weekend", "customer_count_30d", "customer_mean_amount_30d")
ORACLE = Oracle(
    np.array([3, 5, 8]),
    NAMES,
    np.array([[0.0, 2.0, 50.0], [1.0, 1.0, 1e-14], [0.0, 9.0, 200.0]]),
)


def equal(*rows: tuple[int, float, float, float]) -> list[bool]:
    table = np.array(rows)
    met: list[bool] = ORACLE.equal(table[:, 0].astype(np.int64), table[:, 1:]).tolist()
    return met


def test_rows_meet_in_any_order_with_rows_the_oracle_lacks() -> None:
    rows = (8, 0, 9, 200.0), (4, 1, 1, 1.0), (5, 1, 1, 0.0), (3, 0, 2, 50.0)
    assert equal(*rows) == [True, True, True]


def test_counts_are_exact_and_means_within_a_billionth() -> None:
    rows = (3, 0, 2.0000000001, 50.0), (5, 1, 1, 2e-9), (8, 0, 9, 200.0 * (1 + 5e-10))
    assert equal(*rows) == [False, False, True]


def test_a_row_that_is_missing_or_there_twice_is_not_met() -> None:
    assert equal((3, 0, 2, 50.0), (3, 0, 2, 50.0), (8, 0, 9, 200.0)) == [False, False, True]


def test_simultaneous_transactions_go_in_the_order_of_the_oracles_counts() -> None:
    made = [Transaction(i, 1, 1, 1, time) for i, time in ((1, 10), (8, 20), (3, 20), (9, 30))]
    assert [t.transaction_id for t in ORACLE.in_its_order(made)] == [1, 3, 8, 9]
