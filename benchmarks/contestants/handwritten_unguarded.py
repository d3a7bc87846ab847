"""By hand and without a guarantee: offsets commit themselves, state dies with the process."""

import asyncio
from collections.abc import Sequence

from confluent_kafka import Producer

from benchmarks.assignment import Assignment
from benchmarks.contestants.handwritten import Batch, Scorer, consume, consumer
from benchmarks.contestants.producing import producer_settings, send


class UnguardedDelivery:
    """Hands predictions to the producer and goes on."""

    def __init__(self, assignment: Assignment) -> None:
        self._topic = assignment.predictions
        self._producer = Producer(producer_settings(assignment))

    def deliver(self, batch: Batch, values: Sequence[bytes]) -> None:
        """Queues the predictions of a batch."""
        send(self._producer, self._topic, [m.key() for m in batch.messages], values)

    def idle(self) -> None:
        """Lets the producer report what it delivered."""
        self._producer.poll(0)

    def close(self) -> None:
        """Waits until all is written."""
        self._producer.flush()


def run(assignment: Assignment, *, overlap: bool = False) -> None:
    """Scores this process's partitions."""
    source, remaining = consumer(assignment, auto_commit=True)
    scorer = Scorer(assignment.raw_topics[0], assignment.serving_target)
    delivery = UnguardedDelivery(assignment)
    asyncio.run(consume(assignment, source, remaining, delivery, scorer, overlap=overlap))
    source.close()
