"""Producers of the hand-written contestants, with the settings of our job's sink."""

from collections.abc import Sequence

from confluent_kafka import Producer

from benchmarks.assignment import Assignment


def producer_settings(assignment: Assignment) -> dict[str, str | int]:
    """The sink's settings of `jobs.score`, in librdkafka's names."""
    return {
        "bootstrap.servers": assignment.bootstrap_servers,
        "acks": "all",
        "linger.ms": assignment.settings.producer_linger_ms,
        "batch.size": 262_144,
        "compression.type": "lz4",
        "queue.buffering.max.messages": 1_000_000,
        "queue.buffering.max.kbytes": 1_000_000,
    }


def send(
    producer: Producer, topic: str, keys: Sequence[bytes | None], values: Sequence[bytes]
) -> None:
    """Queues records, waiting while the producer's queue is full."""
    for key, value in zip(keys, values, strict=True):
        while True:
            try:
                producer.produce(topic, value, key)
                break
            except BufferError:
                producer.poll(0.1)
    producer.poll(0)
