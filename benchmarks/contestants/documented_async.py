"""The form of PyFlink's documentation: an AsyncFunction that makes one call a record.

Flink's defaults, worker processes, records decoded one by one. It keeps no windows: features that
need state are 1 and the amount, which makes this contestant faster than the whole work would be.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pyflink.common import Configuration, Time, Types, WatermarkStrategy
from pyflink.common.serialization import SimpleStringSchema
from pyflink.datastream import (
    AsyncDataStream,
    AsyncFunction,
    DataStream,
    RuntimeContext,
    StreamExecutionEnvironment,
)
from pyflink.datastream.connectors.kafka import (
    KafkaOffsetsInitializer,
    KafkaRecordSerializationSchema,
    KafkaSink,
    KafkaSource,
)

from benchmarks.assignment import DEADLINE_MS, Assignment
from udfs.client.outcomes import Failure
from udfs.client.predict import PredictionClient

_CAPACITY = 100  # the documentation's
_TIMEOUT = Time.seconds(10)


class ScoreFunction(AsyncFunction):
    """Asks the model about one record. No key, no state; a failed call raises."""

    def __init__(self, serving_target: str) -> None:
        self._serving_target = serving_target

    def open(self, runtime_context: RuntimeContext) -> None:
        """Makes the client."""
        self._client = PredictionClient(self._serving_target)

    async def async_invoke(self, value: dict[str, Any]) -> list[str]:
        """The prediction of one record."""
        amount = value["amount_cents"] / 100.0
        known = value.get("features", [amount, 0, 0, 1, 1, 1, amount, amount, amount])
        features = np.array([known], np.float32)
        outcome = await self._client.predict(
            "fraud", {"features": features}, deadline_s=DEADLINE_MS / 1000
        )
        if isinstance(outcome, Failure):
            raise RuntimeError(outcome.message)
        answer = {
            "business_id": value["transaction_id"],
            "output": float(outcome.outputs["score"][0]),
            "decision": bool(outcome.outputs["decision"][0]),
            "route": "stable",
        }
        return [json.dumps(answer)]


def run(assignment: Assignment) -> None:
    """Runs the documented job over the raw topic."""
    run_with(assignment, lambda records: records)


def run_with(assignment: Assignment, features: Callable[[DataStream], DataStream]) -> None:
    """Runs the documented job with something before its calls."""
    env = _environment(assignment)
    source = (
        KafkaSource.builder()
        .set_bootstrap_servers(assignment.bootstrap_servers)
        .set_topics(assignment.raw_topics[0])
        .set_group_id(assignment.deployment)
        .set_starting_offsets(KafkaOffsetsInitializer.earliest())
        .set_bounded(KafkaOffsetsInitializer.latest())
        .set_value_only_deserializer(SimpleStringSchema())
        .build()
    )
    sink = (
        KafkaSink.builder()
        .set_bootstrap_servers(assignment.bootstrap_servers)
        .set_record_serializer(
            KafkaRecordSerializationSchema.builder()
            .set_topic(assignment.predictions)
            .set_value_serialization_schema(SimpleStringSchema())
            .build()
        )
        .build()
    )
    records = env.from_source(source, WatermarkStrategy.no_watermarks(), "raw").map(json.loads)
    AsyncDataStream.unordered_wait(
        features(records),
        ScoreFunction(assignment.serving_target),
        _TIMEOUT,
        _CAPACITY,
        Types.STRING(),
    ).sink_to(sink)
    env.execute(assignment.deployment)


def _environment(assignment: Assignment) -> StreamExecutionEnvironment:
    os.environ["_python_worker_execution_mode"] = "process"
    configuration = Configuration()
    jars = ";".join(Path(jar).resolve().as_uri() for jar in assignment.jars)
    configuration.set_string("pipeline.jars", jars)
    configuration.set_string("python.executable", sys.executable)
    configuration.set_string("execution.checkpointing.dir", assignment.checkpoint_dir)
    env = StreamExecutionEnvironment.get_execution_environment(configuration)
    env.set_parallelism(assignment.parallelism)
    env.enable_checkpointing(assignment.settings.checkpoint_interval_ms)
    return env
