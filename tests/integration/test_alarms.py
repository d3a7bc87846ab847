"""The job `alarms` on a real broker and a real mini-cluster, also stopped and gone on with."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from confluent_kafka import Producer

from jobs.alarms import AlarmOptions, build
from jobs.targets import TARGETS
from millrace.stack.jars import ensure_flink_jars
from tests.integration.scoring import Kafka, stop_with_savepoint, wait_until
from tests.integration.topics import create_topics
from udfs.errors import ConfigurationError

ON, OFF = 20.0, 40.0
MACHINES = 40


def options(kafka: Kafka, state: Path, **changes: Any) -> AlarmOptions:
    defaults = AlarmOptions(
        name=kafka.name,
        value="output",
        on_below=ON,
        off_above=OFF,
        bootstrap_servers=kafka.bootstrap_servers,
        checkpoint_dir=(state / "checkpoints").as_uri(),
        deployment=kafka.name,
        target=replace(TARGETS["balanced"], checkpoint_interval_ms=500),
        parallelism=2,
        bounded=True,
    )
    return replace(defaults, **changes)


def start(job: AlarmOptions) -> Any:
    return build(job, ensure_flink_jars()).execute_async()


def predictions(count: int, seed: int = 3) -> list[dict[str, Any]]:
    """Lives that wander over both thresholds; some predictions are late."""
    draw = np.random.default_rng(seed)
    left = np.full(MACHINES, 60.0)
    made = []
    for number, machine in enumerate(draw.integers(0, MACHINES, count).tolist()):
        left[machine] = np.clip(left[machine] + draw.normal(0, 12), 0, 125)
        made.append(
            {
                "prediction_id": f"x/{number}",
                "business_id": number,
                "entity_key": machine,
                "event_time_ms": number,
                "output": float(np.float32(left[machine])),
                "model_name": "maintenance",
                "model_version": None,
                "route": "stable",
                "late": bool(draw.random() < 0.05),
                "fields_that_nobody_reads": [1, 2],
            }
        )
    return made


def hysteresis(made: Iterable[dict[str, Any]]) -> list[tuple[int, int, bool]]:
    """Machine, prediction and state of every change, from the definition."""
    on: dict[int, bool] = {}
    changes = []
    for row in made:
        before = on.get(row["entity_key"], False)
        after = (before or row["output"] < ON) and row["output"] <= OFF
        if not row["late"] and after != before:
            on[row["entity_key"]] = after
            changes.append((row["entity_key"], row["business_id"], after))
    return sorted(changes)


def send(kafka: Kafka, rows: Iterable[dict[str, Any]]) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "enable.idempotence": True})
    for row in rows:
        key = str(row["entity_key"])
        producer.produce(f"{kafka.name}.predictions", msgspec.json.encode(row), key)
        producer.poll(0)
    assert producer.flush(30) == 0


def alarms(kafka: Kafka) -> list[tuple[int, int, bool]]:
    rows = [msgspec.json.decode(value) for value in kafka.committed("alarms")]
    return sorted((row["entity_key"], int(row["business_id"]), row["alarm"]) for row in rows)


@pytest.fixture
def watched(new_kafka: Callable[[], Kafka]) -> Kafka:
    kafka = new_kafka()
    create_topics(kafka.bootstrap_servers, [f"{kafka.name}.alarms"])
    return kafka


def test_alarms_are_those_of_the_definition_and_none_comes_twice_over_a_stop(
    watched: Kafka, state: Path
) -> None:
    made = predictions(4_000)
    first, rest = made[:2_500], made[2_500:]
    send(watched, first)
    job = start(options(watched, state, bounded=False))
    wait_until(lambda: len(alarms(watched)) == len(hysteresis(first)), "alarms of the first part")
    savepoint = stop_with_savepoint(job, (state / "savepoints").as_uri(), drain=False)
    send(watched, rest)
    restored = {"execution.state-recovery.path": savepoint}
    job = start(options(watched, state, bounded=False, flink=restored))
    expected = hysteresis(made)
    wait_until(lambda: len(alarms(watched)) >= len(expected), "all alarms")
    job.cancel().result()
    assert alarms(watched) == expected
    assert len(expected) > MACHINES


def test_a_bounded_run_ends_and_its_alarms_say_where_they_came_from(
    watched: Kafka, state: Path
) -> None:
    made = predictions(300, seed=5)
    send(watched, made)
    start(options(watched, state)).get_job_execution_result().result()
    (found, *_) = [msgspec.json.decode(value) for value in watched.committed("alarms")]
    (source,) = [row for row in made if row["prediction_id"] == found["prediction_id"]]
    assert alarms(watched) == hysteresis(made)
    assert found == {
        "prediction_id": source["prediction_id"],
        "business_id": str(source["business_id"]),
        "entity_key": source["entity_key"],
        "event_time_ms": source["event_time_ms"],
        "alarm": True,
        "value": source["output"],
        "on_below": ON,
        "off_above": OFF,
        "model_name": "maintenance",
        "model_version": None,
        "route": "stable",
    }


def test_thresholds_the_wrong_way_round_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="lower than the 50 below which it goes on"):
        options(Kafka("127.0.0.1:1", "x"), tmp_path, on_below=50.0)
