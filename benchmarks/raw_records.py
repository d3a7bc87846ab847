"""Raw transactions of the benchmark, written in bulk: `python -m benchmarks.raw_records …`."""

import sys

import numpy as np
from confluent_kafka import Producer

FIRST_ID = 1_000_000
_TERMINALS = 10_000
_MAX_CENTS = 20_000
START_MS = 1_532_476_800_000
_SPAN_MS = 30 * 86_400_000
_CHUNK = 50_000
_FRAUD_EVERY = 125
_LABEL_DELAY_MS = 7 * 86_400_000

BULK = {
    "linger.ms": 50,
    "batch.size": 1_000_000,
    "compression.type": "lz4",
    "queue.buffering.max.messages": 200_000,
}
"""Settings of a producer that writes as fast as it can."""


def raw_value(number: int, customer: int, terminal: int, cents: int, time_ms: int) -> bytes:
    """The JSON of a transaction, about 115 bytes.

    >>> raw_value(0, 7, 8, 900, 1532476800000)[:45]
    b'{"transaction_id":1000000,"customer_id":7,"te'
    """
    return (
        b'{"transaction_id":%d,"customer_id":%d,"terminal_id":%d,"amount_cents":%d,'
        b'"event_time_ms":%d}' % (FIRST_ID + number, customer, terminal, cents, time_ms)
    )


def labels_of(raw_topic: str) -> str:
    """The topic of those labels of a raw topic that fraud's producers tell.

    Silence means negative there, so they are the frauds.

    >>> labels_of("main.raw")
    'main.labels'
    """
    return f"{raw_topic.removesuffix('.raw')}.labels"


def every_label_of(raw_topic: str) -> str:
    """The topic with a label of every record of a raw topic.

    >>> every_label_of("main.raw")
    'main.every-label'
    """
    return f"{raw_topic.removesuffix('.raw')}.every-label"


def is_fraud(number: int) -> bool:
    """Whether a transaction is a fraud: one in 125 is.

    >>> is_fraud(125), is_fraud(126)
    (True, False)
    """
    return number % _FRAUD_EVERY == 0


def label_value(number: int, time_ms: int) -> bytes:
    """The JSON of a transaction's label, known after seven days.

    >>> label_value(125, 0)
    b'{"transaction_id":1000125,"label":true,"event_time_ms":604800000}'
    """
    fraud = b"true" if is_fraud(number) else b"false"
    known_ms = time_ms + _LABEL_DELAY_MS
    return b'{"transaction_id":%d,"label":%s,"event_time_ms":%d}' % (
        FIRST_ID + number,
        fraud,
        known_ms,
    )


def write(bootstrap_servers: str, topic: str, count: int, customers: int, *, labels: bool) -> None:
    """Writes `count` transactions with event times spread evenly over 30 days.

    With `labels` two topics of labels beside them: those that are told, and every one.
    """
    producer = Producer({"bootstrap.servers": bootstrap_servers, **BULK})
    generator = np.random.default_rng(count + customers)
    for begin in range(0, count, _CHUNK):
        numbers = np.arange(begin, min(begin + _CHUNK, count))
        size = len(numbers)
        columns = (
            numbers.tolist(),
            generator.integers(0, customers, size).tolist(),
            generator.integers(0, _TERMINALS, size).tolist(),
            generator.integers(1, _MAX_CENTS, size).tolist(),
            (START_MS + numbers * _SPAN_MS // count).tolist(),
        )
        for number, customer, terminal, cents, time_ms in zip(*columns, strict=True):
            value = raw_value(number, customer, terminal, cents, time_ms)
            queue(producer, topic, value, b"%d" % customer)
            if labels:
                told, name = label_value(number, time_ms), b"%d" % (FIRST_ID + number)
                queue(producer, every_label_of(topic), told, name)
                if is_fraud(number):
                    queue(producer, labels_of(topic), told, name)
    producer.flush()


def queue(producer: Producer, topic: str, value: bytes, key: bytes) -> None:
    """Hands a record to the producer, and waits where its queue is full."""
    while True:
        try:
            producer.produce(topic, value, key)
            return
        except BufferError:
            producer.poll(0.05)


if __name__ == "__main__":
    servers, name, records, people, told = sys.argv[1:]
    write(servers, name, int(records), int(people), labels=told == "labels")
