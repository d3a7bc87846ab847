"""Late labels in the score job: a second entity key on a real broker and a real mini-cluster."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jobs.score import ON_WATERMARK
from millrace.archive.stages import TopicStages
from millrace.audit.border import outputs_end, require_settled
from millrace.kafka.cluster import Cluster
from tests.integration.scoring import (
    START_MS,
    Kafka,
    options,
    run,
    start,
    stop_with_savepoint,
    transactions,
    wait_until,
)
from training.dataset import build
from udfs.records import Reason
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


def test_a_deployment_after_another_one_fills_its_windows_and_writes_what_is_new(
    kafka: Kafka, state: Path
) -> None:
    records = transactions(800)
    kafka.send(records[:400])
    kafka.send_labels(labels(records[:200]))
    run(two_keys(kafka, state, order=ON_WATERMARK, deployment=f"{kafka.name}-old"))
    kafka.send(records[400:])
    kafka.send_labels(labels(records[200:]))
    # As if the old deployment's last commits had been lost: what it wrote says where it ended.
    lost = {"raw": {0: 3}, "labels": {0: 1}}
    cluster = Cluster(kafka.bootstrap_servers)
    require_settled(cluster, kafka.name)
    stages = TopicStages(cluster, kafka.name)
    quiet = outputs_end(stages, kafka.name, lost)
    new = two_keys(
        kafka, state / "new", order=ON_WATERMARK, deployment=f"{kafka.name}-new", quiet=quiet
    )
    run(new)
    rows = kafka.features()
    whole, fresh = expected(records), {r.transaction_id for r in records[400:]}
    assert len(rows) == len(kafka.predictions()) == len(records)
    assert {int(r.business_id): r.features for r in rows if r.business_id in fresh} == {
        i: whole[i] for i in fresh
    }
    # A change of a label is written once, whichever deployment saw the label.
    assert len(kafka.label_changes()) == sum(map(is_fraud, records))


def test_a_savepoint_with_labels_waiting_goes_on_as_if_nothing_had_happened(
    kafka: Kafka, state: Path
) -> None:
    records = transactions(900)
    savepoints = (state / "savepoints").as_uri()
    job = two_keys(kafka, state, order=ON_WATERMARK, bounded=False, parallelism=1, shards=2)
    first = start(job)
    # Labels of records that are still to come, and records that wait for the watermark.
    kafka.send_labels(labels(records[:600]))
    kafka.send(records[:500])
    wait_until(lambda: len(kafka.predictions()) > 0, "some are behind the watermark", 120)
    savepoint = stop_with_savepoint(first, savepoints, drain=False)
    assert len(kafka.predictions()) < 500
    going_on = {"execution.state-recovery.path": savepoint}
    kafka.send_labels(labels(records[600:]))
    kafka.send(records[500:])
    second = start(replace(job, parallelism=2, flink=going_on))
    written = len(kafka.predictions())
    wait_until(lambda: len(kafka.predictions()) > written, "it goes on", 120)
    stop_with_savepoint(second, savepoints, drain=True)
    assert len(kafka.predictions()) == len(kafka.features()) == len(records)
    assert found(kafka) == expected(records)


def test_a_silent_topic_of_labels_holds_no_prediction_back(kafka: Kafka, state: Path) -> None:
    records = transactions(1_000)  # an hour apart
    job = start(two_keys(kafka, state, order=ON_WATERMARK, bounded=False, idle_ms=500))
    kafka.send(records[:100])
    later = iter(records[100:])

    def some_are_answered() -> bool:
        # Time stands still where all topics are silent: this one goes on.
        kafka.send([next(later)])
        return len(kafka.predictions()) > 75

    wait_until(some_are_answered, "predictions without a label", 180)
    job.cancel().result()
    whole = expected(records)
    assert all(features == whole[number] for number, features in found(kafka).items())


def test_labels_that_cannot_be_used_are_dead_letters_with_their_bytes(
    kafka: Kafka, state: Path
) -> None:
    records = transactions(20)
    unknown = (b"77", msgspec.json.encode(FraudLabel(77, True, START_MS)), START_MS)
    bad = [
        (b"1", b"{", START_MS),
        (b"2", msgspec.json.encode(FraudLabel(1, True, START_MS)), START_MS),
        unknown,
    ]
    kafka.send(records)
    kafka.send_raw(bad, "labels")
    run(two_keys(kafka, state))
    letters = kafka.dead_letters()
    assert {(x.key, x.value) for x in letters} == {(key, value) for key, value, _ in bad}
    assert sorted(x.reason for x in letters) == [
        Reason.KEY_MISMATCH,
        Reason.LABEL_UNMATCHED,
        Reason.NOT_JSON,
    ]
    assert {x.source_topic for x in letters} == {f"{kafka.name}.labels"}


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
