"""A fold by sequence numbers gives what the fold in order of arrival gave."""

import numpy as np
import pytest

from tests.unit.training.test_dataset import transactions
from training.replay import Changes, replayed
from udfs.features.columns import ColumnReader
from udfs.features.delayed import LABEL
from udfs.use_cases.fraud import CUSTOMER, FRAUD, TERMINAL
from udfs.use_cases.milliseconds import milliseconds


@pytest.mark.parametrize("days", [2.0, 60.0, 900.0], ids=["days", "weeks", "with silences"])
def test_a_replay_meets_the_arrivals_bit_for_bit(days: float) -> None:
    records = transactions(900, days=days, customers=40, seed=5)
    columns = ColumnReader(FRAUD.record_type, FRAUD.column_types)(records)
    lateness_ms, n = milliseconds(FRAUD.allowed_lateness), len(records)
    times, keys = columns["event_time_ms"], columns["terminal_id"]
    cents = {"amount_cents": columns["amount_cents"]}
    sequence, customer = CUSTOMER.start(lateness_ms).update(
        columns["customer_id"], times, cents, times
    )
    # Each third record's label arrives with the tenth record after it.
    labelled = np.arange(0, n - 10, 3)
    at = np.argsort(np.concatenate([np.arange(n), labelled + 10.5]), kind="stable")
    event = np.concatenate([np.arange(n), labelled])[at]
    labels = np.concatenate([np.zeros(n, np.int64), np.ones(len(labelled), np.int64)])[at]
    newest = np.maximum.accumulate(times[event])
    order, terminal = TERMINAL.start(lateness_ms).update(
        keys[event], times[event], {LABEL: labels}, newest
    )
    told = labels != 0
    second = type(terminal)(terminal.count[~told], terminal.positive[~told])
    expected = FRAUD.assemble(columns, {"customer": customer, "terminal": second})
    changes = Changes(keys[event][told], order[told], times[event][told], labels[told])
    shuffled = np.random.default_rng(1).permutation(n)
    found = replayed(
        FRAUD,
        {field: column[shuffled] for field, column in columns.items()},
        sequence[shuffled],
        order[~told][shuffled],
        changes,
    )
    assert np.array_equal(found, expected[shuffled])
