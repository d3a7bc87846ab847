"""Late labels in the score job: a second entity key on a real broker and a real mini-cluster."""

from pathlib import Path
from typing import Any

import pytest

from jobs.score import ON_WATERMARK
from tests.integration.scoring import (
    START_MS,
    Kafka,
    options,
    run,
    start,
    transactions,
    wait_until,
)
from training.dataset import build
from udfs.use_cases.fraud import FRAUD, FraudLabel, Transaction
from udfs.use_cases.milliseconds import milliseconds

DELAY_MS = milliseconds(FRAUD.label_delay)
DAY_MS = 86_400_000
TERMINAL = slice(9, 15)


def is_fraud(record: Transaction) -> bool:
    return record.transaction_id % 5 == 0


def labels(records: list[Transaction], delay_ms: int = DELAY_MS) -> list[FraudLabel]:
    return [FraudLabel(r.transaction_id, is_fraud(r), r.event_time_ms + delay_ms) for r in records]


def two_keys(kafka: Kafka, state: Path, **changes: Any) -> Any:
    return options(kafka, state, use_case="fraud", **changes)


def expected(records: list[Transaction]) -> dict[int, list[float]]:
    """Features by transaction, as training makes them."""
    data = build(FRAUD, ((record, is_fraud(record)) for record in records))
    return dict(zip(data.business_ids.tolist(), data.features.tolist(), strict=True))


def found(kafka: Kafka) -> dict[int, list[float]]:
    return {int(row.business_id): row.features for row in kafka.features()}


@pytest.mark.parametrize("parallelism", [1, 2])
def test_in_event_time_order_features_are_trainings_bit_for_bit(
    kafka: Kafka, state: Path, parallelism: int
) -> None:
    records = transactions(2000)
    kafka.send_labels(labels(records))
    kafka.send(records)
    run(two_keys(kafka, state, order=ON_WATERMARK, parallelism=parallelism))
    assert found(kafka) == expected(records)
    assert len(kafka.label_changes()) == sum(map(is_fraud, records))


def test_on_arrival_a_label_counts_for_what_comes_after_it(kafka: Kafka, state: Path) -> None:
    early = Transaction(1, 5, 7, 100, START_MS)
    late = [Transaction(i, 5, 7, 100, START_MS + DELAY_MS + i) for i in (2, 3)]
    job = start(two_keys(kafka, state, bounded=False))
    kafka.send([early])
    wait_until(lambda: len(kafka.predictions()) == 1, "the first transaction")
    kafka.send(late[:1])
    wait_until(lambda: len(kafka.predictions()) == 2, "one before the label")
    kafka.send_labels(labels([early, late[0]])[:1])
    kafka.send_labels([FraudLabel(1, True, START_MS + DELAY_MS + 1)])
    wait_until(lambda: len(kafka.label_changes()) == 1, "the label")
    kafka.send(late[1:])
    wait_until(lambda: len(kafka.predictions()) == 3, "one after the label")
    job.cancel().result()
    assert [found(kafka)[i][TERMINAL] for i in (2, 3)] == [[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1]]
