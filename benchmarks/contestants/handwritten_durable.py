"""By hand, durable and exactly-once: Kafka transactions and a changelog of the state.

One transaction a checkpoint interval of our job's target, as that is the fast form that gives the
same guarantee: it holds the predictions, the events of each batch for the changelog (32 bytes an
event, as our job's log) and the source offsets. A transaction a batch was left out: it waits for
a commit at every batch. A process that starts anew folds the changelog again.
"""

import asyncio
import time
from collections.abc import Sequence

import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from benchmarks.assignment import Assignment
from benchmarks.contestants.handwritten import Batch, Scorer, consume, consumer
from benchmarks.contestants.producing import producer_settings, send


class TransactionalDelivery:
    """Writes predictions, changelog and offsets of an interval in one transaction."""

    def __init__(self, assignment: Assignment, source: Consumer) -> None:
        self._source = source
        self._raw, self._out = assignment.raw_topics[0], assignment.predictions
        self._changelog = changelog(assignment)
        self._process = assignment.process
        self._interval_s = assignment.settings.checkpoint_interval_ms / 1000
        name = f"{assignment.deployment}/{assignment.process}"
        self._producer = Producer(
            {
                **producer_settings(assignment),
                "transactional.id": name,
                "transaction.timeout.ms": 600_000,
            }
        )
        self._producer.init_transactions()
        self._offsets: dict[int, int] = {}
        self._began = 0.0

    def deliver(self, batch: Batch, values: Sequence[bytes]) -> None:
        """Adds a batch to the transaction, which it opens when there is none."""
        if not self._offsets:
            self._producer.begin_transaction()
            self._began = time.monotonic()
        send(self._producer, self._out, [m.key() for m in batch.messages], values)
        events = batch.events().tobytes()
        self._producer.produce(self._changelog, events, partition=self._process)
        self._offsets.update({m.partition(): m.offset() + 1 for m in batch.messages})
        self.idle()

    def idle(self) -> None:
        """Commits when the interval is over."""
        if self._offsets and time.monotonic() - self._began >= self._interval_s:
            self._commit()

    def close(self) -> None:
        """Commits what is left."""
        if self._offsets:
            self._commit()

    def _commit(self) -> None:
        offsets = [TopicPartition(self._raw, p, o) for p, o in self._offsets.items()]
        group = self._source.consumer_group_metadata()
        self._producer.send_offsets_to_transaction(offsets, group)
        self._producer.commit_transaction()
        self._offsets = {}


def changelog(assignment: Assignment) -> str:
    """The topic of the state's events; one partition a process."""
    return f"{assignment.output}.changelog"


def restore(assignment: Assignment, scorer: Scorer) -> None:
    """Folds the events that earlier runs of this deployment have written."""
    reader = Consumer(
        {
            "bootstrap.servers": assignment.bootstrap_servers,
            "group.id": f"{assignment.deployment}/restore",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    reader.assign([TopicPartition(changelog(assignment), assignment.process, OFFSET_BEGINNING)])
    at_end = False
    while not at_end:
        for message in reader.consume(1000, 1.0):
            at_end = bool(message.error())
            if not at_end:
                rows = np.frombuffer(message.value(), np.int64).reshape(-1, 4)
                scorer.fold.load(*(column.tolist() for column in rows.T))
    reader.close()


def run(assignment: Assignment) -> None:
    """Scores this process's partitions."""
    source, remaining = consumer(assignment, auto_commit=False)
    scorer = Scorer(assignment.raw_topics[0], assignment.serving_target)
    restore(assignment, scorer)
    delivery = TransactionalDelivery(assignment, source)
    asyncio.run(consume(assignment, source, remaining, delivery, scorer))
    source.close()
