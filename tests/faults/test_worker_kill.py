"""kill -9 of a Python worker: every record once, and features as if nothing had happened."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.workers import python_workers
from millrace.stack.broker import Broker
from tests.integration.scoring import (
    Kafka,
    expected_features,
    options,
    start,
    transactions,
    wait_until,
)

RECORDS = 40_000
DEADLINE_S = 150  # a few seconds on a machine that does nothing else


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[Kafka]:
    with Broker(tmp_path, heap="512m") as broker:
        yield Kafka(broker.bootstrap_servers, "fraud").create()


def test_a_killed_python_worker_loses_nothing_and_doubles_nothing(
    kafka: Kafka, tmp_path: Path
) -> None:
    records = transactions(RECORDS, customers=2_000, step_ms=60_000)
    before = set(python_workers(os.getpid()))
    kafka.send(records[: RECORDS // 2])
    job = start(options(kafka, tmp_path, bounded=False))
    wait_until(lambda: _committed(kafka) > 0, "a first commit", DEADLINE_S)
    worker = next(pid for pid in python_workers(os.getpid()) if pid not in before)
    os.kill(worker, signal.SIGKILL)
    kafka.send(records[RECORDS // 2 :])
    wait_until(lambda: _committed(kafka) >= RECORDS, "all records", DEADLINE_S)
    job.cancel().result()
    found = {row.business_id: row.features for row in kafka.features()}
    places = {(row.source_partition, row.source_offset) for row in kafka.predictions()}
    assert (len(kafka.predictions()), len(places)) == (RECORDS, RECORDS)
    assert (len(kafka.features()), found) == (RECORDS, expected_features(records))


def _committed(kafka: Kafka) -> int:
    return sum(1 for _ in kafka.committed("predictions"))
