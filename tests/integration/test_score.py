"""The score job on a real broker and a real mini-cluster; the rule answers, no model is up."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from py4j.protocol import Py4JJavaError

from jobs.score import ScoreOptions
from jobs.targets import TARGETS
from tests.integration.scoring import (
    START_MS,
    Kafka,
    expected_features,
    options,
    run,
    start,
    stop_with_savepoint,
    transactions,
    wait_until,
)
from udfs.records import DeadLetter, Reason
from udfs.use_cases.fraud import Transaction

RULE = "fallback:rule"
NEVER = replace(
    TARGETS["balanced"], linger_ms=3_600_000, block_records=1_000_000, checkpoint_interval_ms=500
)
"""Blocks that neither time nor size would ever send on."""


def test_features_of_all_shards_and_subtasks_equal_one_fold_over_everything(
    kafka: Kafka, state: Path
) -> None:
    records = transactions(3000)
    kafka.send(records)
    run(options(kafka, state, parallelism=2, shards=4))
    assert {row.business_id: row.features for row in kafka.features()} == expected_features(records)


def test_every_record_becomes_one_prediction_or_one_dead_letter_with_its_bytes(
    kafka: Kafka, state: Path
) -> None:
    good = transactions(200)
    bad = [
        (b"1", b'{"transaction_id": 1', START_MS),
        (b"1", None, START_MS),
        (None, b"", START_MS),
        (b"1", b'{"transaction_id": "x"}', START_MS),
        (b"999", msgspec.json.encode(good[0]), good[0].event_time_ms),
        (b"%d" % good[1].customer_id, msgspec.json.encode(good[1]), START_MS - 10**9),
        (b"1", b"x" * 900_000, START_MS),
    ]
    kafka.send(good)
    kafka.send_raw(bad)
    run(options(kafka, state))
    letters = kafka.dead_letters()
    assert len(kafka.predictions()) == len(good)
    assert Counter((x.key, x.value, x.kafka_timestamp_ms) for x in letters) == Counter(bad)
    assert Counter(x.reason for x in letters) == {
        Reason.NOT_JSON: 2,
        Reason.EMPTY: 2,
        Reason.SCHEMA: 1,
        Reason.KEY_MISMATCH: 1,
        Reason.EVENT_TIME_AHEAD: 1,
    }


def test_predictions_name_their_source_and_the_rule_that_answered(
    kafka: Kafka, state: Path
) -> None:
    kafka.send(transactions(50))
    run(options(kafka, state))
    found = [(p.prediction_id, p.route, p.model_version) for p in kafka.predictions()]
    assert found == [
        (f"{kafka.name}.raw/{p.source_partition}/{p.source_offset}/answer", RULE, None)
        for p in kafka.predictions()
    ]
    # After some calls that nobody took, none is made for a while.
    reasons = {p.fallback_reason for p in kafka.predictions()}
    assert {"unavailable"} <= reasons <= {"unavailable", "circuit_open"}


def test_a_late_record_is_scored_and_flagged(kafka: Kafka, state: Path) -> None:
    first, *others = transactions(20, customers=1)
    kafka.send([*others, first])
    run(options(kafka, state))
    assert {p.business_id for p in kafka.predictions() if p.late} == {first.transaction_id}


def test_a_duplicate_is_dropped_into_a_topic_of_its_own_with_its_bytes(
    kafka: Kafka, state: Path
) -> None:
    records = transactions(60, step_ms=1000)
    kafka.send([*records, *records[10:13]])
    run(options(kafka, state, use_case="tests.integration.named:DROPPING"))
    dropped = [msgspec.json.decode(v, type=DeadLetter) for v in kafka.committed("duplicates")]
    assert {row.business_id: row.features for row in kafka.features()} == expected_features(records)
    assert len(kafka.predictions()) == 60
    assert {x.value for x in dropped} == {msgspec.json.encode(r) for r in records[10:13]}
    assert {x.reason for x in dropped} == {Reason.DUPLICATE}


def test_a_duplicate_is_scored_again_and_flagged(kafka: Kafka, state: Path) -> None:
    records = transactions(30, step_ms=1000)
    kafka.send([*records, *records[5:7]])
    run(options(kafka, state, use_case="tests.integration.named:FLAGGING"))
    flagged = [p.business_id for p in kafka.predictions() if p.duplicate]
    assert (len(kafka.predictions()), sorted(map(int, flagged))) == (32, [5, 6])


def test_the_end_of_a_bounded_source_leaves_nothing_in_a_block(kafka: Kafka, state: Path) -> None:
    kafka.send(transactions(500))
    unchecked = {"execution.checkpointing.interval": ""}
    run(options(kafka, state, target=NEVER, exactly_once=False, flink=unchecked))
    assert len(kafka.predictions()) == 500


def test_a_checkpoint_leaves_nothing_in_a_block(kafka: Kafka, state: Path) -> None:
    kafka.send(transactions(500))
    job = start(options(kafka, state, target=NEVER, bounded=False))
    wait_until(lambda: len(kafka.predictions()) == 500, "all committed by a checkpoint")
    job.cancel().result()


def test_a_record_waits_no_longer_than_the_linger_when_records_are_few(
    kafka: Kafka, state: Path
) -> None:
    lingering = replace(TARGETS["balanced"], checkpoint_interval_ms=3_600_000)
    job = start(options(kafka, state, target=lingering, bounded=False, exactly_once=False))
    kafka.send(transactions(1))
    wait_until(lambda: len(kafka.predictions()) == 1, "one record, scored without a checkpoint")
    job.cancel().result()


def test_a_savepoint_and_a_drain_go_on_exactly_where_the_job_stopped(
    kafka: Kafka, state: Path
) -> None:
    records = transactions(600)
    savepoints = (state / "savepoints").as_uri()
    # Blocks of 70 in two shards: of each 300 records some wait in a block that is not full.
    halves = replace(NEVER, block_records=70, checkpoint_interval_ms=3_600_000)
    job = options(
        kafka, state, target=halves, bounded=False, parallelism=1, shards=2, exactly_once=False
    )
    first = _send_and_stop(job, kafka, records[:300], drain=False, savepoints=savepoints)
    rescaled = replace(job, parallelism=2, flink=_from(first))
    _send_and_stop(rescaled, kafka, records[300:], drain=True, savepoints=savepoints)
    found = {row.business_id: row.features for row in kafka.features()}
    assert (len(kafka.features()), found) == (600, expected_features(records))


def test_a_drain_gives_what_waits_for_event_time_also_where_every_partition_is_idle(
    kafka: Kafka, state: Path
) -> None:
    records = transactions(40)  # an hour apart, as much as one may be late
    kafka.send(records)
    job = start(options(kafka, state, order="on_watermark", bounded=False, idle_ms=500))
    wait_until(lambda: len(kafka.predictions()) == 38, "all but the newest two")
    stop_with_savepoint(job, (state / "savepoints").as_uri(), drain=True)
    found = {row.business_id: row.features for row in kafka.features()}
    assert (len(kafka.features()), found) == (40, expected_features(records))


def test_state_of_another_number_of_shards_is_refused(kafka: Kafka, state: Path) -> None:
    job = options(kafka, state, bounded=False, shards=2)
    kafka.send(transactions(10))
    first = start(job)
    wait_until(lambda: len(kafka.predictions()) == 10, "something to save")
    savepoint = stop_with_savepoint(first, (state / "savepoints").as_uri(), drain=False)
    with pytest.raises(Py4JJavaError, match="Cannot map checkpoint/savepoint state"):
        start(replace(job, shards=4, flink=_from(savepoint)))


def _from(savepoint: str) -> dict[str, str]:
    return {"execution.state-recovery.path": savepoint}


def _send_and_stop(
    job: ScoreOptions,
    kafka: Kafka,
    records: list[Transaction],
    *,
    drain: bool,
    savepoints: str,
) -> str:
    """Scores the records, stops with a savepoint while some wait in a block, returns its path."""
    before = len(kafka.predictions())
    kafka.send(records[:10])
    client = start(job)
    # A job checkpoints once when it starts, which empties the blocks.
    wait_until(lambda: len(kafka.predictions()) == before + 10, "the first checkpoint")
    kafka.send(records[10:])
    wait_until(lambda: len(kafka.predictions()) >= before + len(records) // 2, "full blocks")
    assert len(kafka.predictions()) < before + len(records)
    savepoint = stop_with_savepoint(client, savepoints, drain=drain)
    assert len(kafka.predictions()) == before + len(records)
    return savepoint
