"""The example of a consumer: each alert once in its database, over aborts, copies and kill -9."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.integration.scoring import NO_SERVER, wait_until
from tests.integration.topics import create_topics

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "alert_consumer.py"
TOPIC = "alerts.predictions"


def send(bootstrap_servers: str, first: int, count: int, *, commit: bool = True) -> None:
    """Predictions in one transaction, every third an alert; a tenth of them comes twice."""
    producer = Producer({"bootstrap.servers": bootstrap_servers, "transactional.id": TOPIC})
    producer.init_transactions(30)
    producer.begin_transaction()
    for n in range(first, first + count):
        prediction = {
            "prediction_id": f"alerts.raw/0/{n}/answer",
            "business_id": n,
            "output": n / 7,
            "route": "stable",
            "event_time_ms": n,
            "decision": n % 3 == 0,
        }
        for _ in range(2 if n % 10 == 0 else 1):
            producer.produce(TOPIC, json.dumps(prediction), partition=n % 2)
        producer.poll(0)
    producer.flush(30)
    if commit:
        producer.commit_transaction(30)
    else:
        producer.abort_transaction(30)


@pytest.fixture(scope="module")
def servers(bootstrap_servers: str) -> str:
    create_topics(bootstrap_servers, [TOPIC])
    return bootstrap_servers


def command(servers: str, database: Path, *more: str) -> list[str]:
    given = ("--bootstrap-servers", servers, "--topic", TOPIC, "--database", str(database))
    return [sys.executable, str(SCRIPT), *given, *more]


def alerts(database: Path) -> list[str]:
    with sqlite3.connect(database) as found:
        return [row[0] for row in found.execute("SELECT prediction_id FROM alerts")]


def test_each_alert_is_stored_once_over_kills_aborts_and_copies(
    servers: str, tmp_path: Path
) -> None:
    database, total = tmp_path / "alerts.db", 30_000
    send(servers, 0, total // 2)
    send(servers, total, 100, commit=False)
    for expected in (1, total // 12, total // 8):
        running = subprocess.Popen(command(servers, database))
        wait_until(lambda e=expected: _taken(database) >= e, f"{expected} alerts")  # type: ignore[misc]
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    send(servers, total // 2, total // 2)
    done = subprocess.run(command(servers, database, "--once"), check=True)
    found = alerts(database)
    assert (done.returncode, len(found)) == (0, len(set(found)))
    assert set(found) == {f"alerts.raw/0/{n}/answer" for n in range(0, total, 3)}


def test_an_unreachable_broker_is_told_in_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        command(NO_SERVER, tmp_path / "alerts.db", "--once"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("error: ")) == (1, 1)


def _taken(database: Path) -> int:
    try:
        return len(alerts(database))
    except sqlite3.OperationalError:  # not made yet
        return 0
