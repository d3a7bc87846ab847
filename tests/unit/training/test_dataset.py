"""The data set's features equal windows counted by brute force, bit for bit."""

from random import Random

import numpy as np
import pytest

from training.dataset import build
from udfs.errors import DataError
from udfs.use_cases.fraud import FRAUD
from udfs.use_cases.fraud_records import Transaction

DAY_MS = 86_400_000
START_MS = 1_700_000_000_000


def transactions(count: int, *, days: float, customers: int, seed: int) -> list[Transaction]:
    random = Random(seed)
    # Whole seconds, so that some transactions are simultaneous.
    times = sorted(START_MS + 1_000 * random.randrange(int(days * 86_400)) for _ in range(count))
    return [
        Transaction(n, random.randrange(customers), random.randrange(9), random.randrange(9**6), t)
        for n, t in enumerate(times)
    ]


def is_fraud(record: Transaction) -> bool:
    return record.transaction_id % 3 == 0


def terminal(records: list[Transaction], now: Transaction) -> list[float]:
    """Counts and risks of the transaction's terminal, over windows that end seven days before."""
    end = now.event_time_ms - 7 * DAY_MS
    there = [r for r in records if r.terminal_id == now.terminal_id and r.event_time_ms <= end]
    counts, risks = [], []
    for days in (1, 7, 30):
        inside = [r for r in there if r.event_time_ms > end - days * DAY_MS]
        counts.append(float(len(inside)))
        risks.append(sum(map(is_fraud, inside)) / len(inside) if inside else 0.0)
    return [*counts, *risks]


def by_brute_force(records: list[Transaction]) -> list[list[float]]:
    """The features of each transaction from their definition; (n, 15)."""
    rows = []
    for place, now in enumerate(records):
        seen = [r for r in records[: place + 1] if r.customer_id == now.customer_id]
        counts, means = [], []
        for days in (1, 7, 30):
            start = now.event_time_ms - days * DAY_MS
            cents = [r.amount_cents for r in seen if r.event_time_ms > start]
            counts.append(float(len(cents)))
            means.append(sum(cents) / (100.0 * len(cents)))
        since_thursday = now.event_time_ms // DAY_MS % 7
        hour = now.event_time_ms % DAY_MS // 3_600_000
        flags = [float(since_thursday in (2, 3)), float(hour <= 6)]
        rows.append([now.amount_cents / 100.0, *flags, *counts, *means, *terminal(records, now)])
    return rows


@pytest.mark.parametrize(
    ("days", "customers"),
    [(0.01, 3), (3.0, 2), (50.0, 5), (200.0, 4)],
    ids=["all at once", "days", "weeks", "half a year"],
)
def test_features_equal_brute_force_bit_for_bit(days: float, customers: int) -> None:
    records = transactions(700, days=days, customers=customers, seed=3)
    made = build(FRAUD, ((record, is_fraud(record)) for record in records))
    assert np.array_equal(made.features, np.array(by_brute_force(records)))


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    records = transactions(1_000, days=40, customers=6, seed=4)
    whole = build(FRAUD, ((record, is_fraud(record)) for record in records))
    monkeypatch.setattr("training.dataset._BLOCK", 37)
    in_blocks = build(FRAUD, ((record, is_fraud(record)) for record in records))
    assert np.array_equal(whole.features, in_blocks.features)


def test_records_before_the_start_fill_windows_and_give_no_rows() -> None:
    records = transactions(500, days=40, customers=3, seed=5)
    since_ms = START_MS + 20 * DAY_MS
    whole = build(FRAUD, ((record, is_fraud(record)) for record in records))
    kept = build(FRAUD, ((record, is_fraud(record)) for record in records), since_ms=since_ms)
    assert 0 < len(kept) < len(whole)
    assert np.array_equal(kept.features, whole.features[whole.times_ms >= since_ms])


def test_labels_ids_keys_and_times_stay_with_their_rows() -> None:
    records = transactions(200, days=2, customers=3, seed=6)
    made = build(FRAUD, ((record, record.transaction_id % 7 == 0) for record in records))
    columns = zip(
        made.business_ids.tolist(),
        made.entity_keys.tolist(),
        made.times_ms.tolist(),
        made.labels.tolist(),
        strict=True,
    )
    assert list(columns) == [
        (r.transaction_id, r.customer_id, r.event_time_ms, r.transaction_id % 7 == 0)
        for r in records
    ]


def test_progress_counts_all_records() -> None:
    records = transactions(200, days=2, customers=3, seed=6)
    told: list[tuple[str, int, int | None]] = []
    build(
        FRAUD,
        ((record, False) for record in records),
        total=200,
        on_progress=lambda *news: told.append(news),
    )
    assert told[-1] == ("features", 200, 200)


def test_records_out_of_order_are_refused() -> None:
    early, late = transactions(2, days=2, customers=3, seed=6)
    with pytest.raises(DataError, match="not in the order of event_time_ms"):
        build(FRAUD, [(late, False), (early, False)])


def test_no_records_are_refused() -> None:
    with pytest.raises(DataError, match="no records"):
        build(FRAUD, [])
