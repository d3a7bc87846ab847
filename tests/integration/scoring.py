"""Builders for tests of the score job: topics, records, options, what came out."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from confluent_kafka import Consumer, Producer, TopicPartition
from pyflink.java_gateway import get_gateway

from jobs.score import ScoreOptions, build
from jobs.targets import TARGETS
from millrace.stack.jars import ensure_flink_jars
from tests.integration.topics import create_topics, settle
from tests.stores import DictStore
from udfs.features.shard import ShardFolds
from udfs.records import DeadLetter, FeatureRow, LabelChange, YesNoPrediction
from udfs.use_cases.fraud import FRAUD_BY_CUSTOMER as FRAUD
from udfs.use_cases.fraud import FraudLabel, Transaction

HOUR_MS = 3_600_000
NO_SERVER = "127.0.0.1:1"
START_MS = 1_750_000_000_000


def transactions(count: int, *, customers: int = 50, step_ms: int = HOUR_MS) -> list[Transaction]:
    """Transactions in event-time order, some days apart for a customer; the same at each call."""
    draw = np.random.default_rng(7)
    ids, cents = draw.integers(customers, size=count), draw.integers(1, 30_000, size=count)
    return [
        Transaction(i, int(ids[i]), i % 97, int(cents[i]), START_MS + i * step_ms)
        for i in range(count)
    ]


@dataclass(frozen=True)
class Kafka:
    """A broker and the topics of one test, under a name of its own."""

    bootstrap_servers: str
    name: str
    partitions: int = 2

    def create(self) -> "Kafka":
        """Creates the topics of the use case."""
        stages = (
            "raw",
            "labels",
            "predictions",
            "dead-letters",
            "features",
            "label-changes",
            "duplicates",
        )
        names = [f"{self.name}.{stage}" for stage in stages]
        create_topics(self.bootstrap_servers, names, self.partitions)
        return self

    def send(self, records: Sequence[Transaction]) -> None:
        """Sends transactions as the producers of the use case do."""
        self.send_raw(
            (str(r.customer_id).encode(), msgspec.json.encode(r), r.event_time_ms) for r in records
        )

    def send_labels(self, labels: Sequence[FraudLabel]) -> None:
        """Sends labels as the producers of the use case do."""
        self.send_raw(
            (
                (str(x.transaction_id).encode(), msgspec.json.encode(x), x.event_time_ms)
                for x in labels
            ),
            "labels",
        )

    def send_raw(self, records: Any, stage: str = "raw") -> None:
        """Sends (key, value, Kafka timestamp) triples."""
        # Idempotent: a retry, usual while a topic is new, must not change the order of a key.
        producer = Producer(
            {"bootstrap.servers": self.bootstrap_servers, "enable.idempotence": True}
        )
        for key, value, timestamp in records:
            producer.produce(f"{self.name}.{stage}", value, key, timestamp=timestamp)
            producer.poll(0)
        assert producer.flush(30) == 0

    def predictions(self) -> list[YesNoPrediction]:
        """All committed predictions, sorted by source."""
        rows = [msgspec.json.decode(v, type=YesNoPrediction) for v in self.committed("predictions")]
        return sorted(rows, key=lambda row: (row.source_partition, row.source_offset))

    def features(self) -> list[FeatureRow]:
        """All committed feature rows, sorted by source."""
        rows = [msgspec.json.decode(v, type=FeatureRow) for v in self.committed("features")]
        return sorted(rows, key=lambda row: (row.source_partition, row.source_offset))

    def label_changes(self) -> list[LabelChange]:
        """All committed changes of labels, sorted by source."""
        rows = [msgspec.json.decode(v, type=LabelChange) for v in self.committed("label-changes")]
        return sorted(rows, key=lambda row: (row.source_partition, row.source_offset))

    def dead_letters(self) -> list[DeadLetter]:
        """All committed dead letters, sorted by source."""
        rows = [msgspec.json.decode(v, type=DeadLetter) for v in self.committed("dead-letters")]
        return sorted(rows, key=lambda row: (row.source_partition, row.source_offset))

    def committed(self, stage: str) -> Iterator[bytes]:
        """Values of a topic as a consumer that reads committed sees them now."""
        topic = f"{self.name}.{stage}"
        settle(self.bootstrap_servers, topic)
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap_servers,
                "group.id": "test",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
            }
        )
        consumer.assign([TopicPartition(topic, p, 0) for p in range(self.partitions)])
        open_partitions = set(range(self.partitions))
        while open_partitions:
            for message in consumer.consume(1000, 1.0):
                if message.error():
                    open_partitions.discard(message.partition())
                else:
                    yield message.value()
        consumer.close()


def options(kafka: Kafka, state: Path, **changes: Any) -> ScoreOptions:
    """Options of a bounded, exactly-once run without a model server; `changes` go over them."""
    defaults = ScoreOptions(
        use_case="udfs.use_cases.fraud:FRAUD_BY_CUSTOMER",
        name=kafka.name,
        bootstrap_servers=kafka.bootstrap_servers,
        serving_target=NO_SERVER,
        checkpoint_dir=(state / "checkpoints").as_uri(),
        deployment=kafka.name,
        target=replace(TARGETS["balanced"], checkpoint_interval_ms=500),
        bounded=True,
        emit_features=True,
    )
    return replace(defaults, **changes)


def start(job: ScoreOptions) -> Any:
    """Starts the job in a mini-cluster and returns its client."""
    return build(job, ensure_flink_jars()).execute_async()


def run(job: ScoreOptions) -> None:
    """Runs a bounded job to its end."""
    start(job).get_job_execution_result().result()


def stop_with_savepoint(job: Any, directory: str, *, drain: bool) -> str:
    """Stops the job and returns the savepoint's path; draining ends its event time too."""
    # PyFlink 2.3's own method leaves out the format, which Java asks for.
    formats = get_gateway().jvm.org.apache.flink.core.execution.SavepointFormatType
    return str(job._j_job_client.stopWithSavepoint(drain, directory, formats.NATIVE).get())


def wait_until(condition: Callable[[], bool], what: str, deadline_s: float = 180) -> None:
    """Returns once the condition holds; fails the test when it does not before the deadline."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"not within {deadline_s} s: {what}"
        time.sleep(0.1)


def expected_features(records: Sequence[Transaction]) -> dict[int, list[float]]:
    """Features by transaction id, from one fold over all records in order."""
    names = ("transaction_id", "customer_id", "amount_cents", "event_time_ms")
    columns = {n: np.array([getattr(r, n) for r in records], dtype=np.int64) for n in names}
    folds = ShardFolds(FRAUD.spec, FRAUD.column_types, FRAUD.event_time, HOUR_MS, DictStore())
    folded = folds.update(columns, np.zeros(len(records), dtype=np.int32))
    rows = FRAUD.assemble(columns, folded.windows).tolist()
    return dict(zip(columns["transaction_id"].tolist(), rows, strict=True))


def send_in_transactions(bootstrap_servers: str, topic: str) -> None:
    """Ten records committed, ten aborted, ten committed."""
    producer = Producer({"bootstrap.servers": bootstrap_servers, "transactional.id": topic})
    producer.init_transactions(30)
    for commit in (True, False, True):
        producer.begin_transaction()
        for n in range(10):
            producer.produce(topic, b"%d %s" % (n, str(commit).encode()), b"k", partition=n % 2)
        producer.flush(30)
        if commit:
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)
