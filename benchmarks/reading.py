"""Reads a topic whole: values and append times, transactions that were aborted left out."""

import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from udfs.errors import UnavailableError

_CHUNK = 20_000
_WAIT_S = 0.1
_SILENCE_S = 30.0


def reader(bootstrap_servers: str, topic: str, **settings: object) -> Consumer:
    """A consumer on all partitions of a topic from its beginning, `read_committed`."""
    made = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": uuid.uuid4().hex,
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "fetch.message.max.bytes": 8_388_608,
            **settings,
        }
    )
    numbers = made.list_topics(topic, 10).topics[topic].partitions
    made.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in numbers])
    return made


def chunks(bootstrap_servers: str, topic: str) -> Iterator[Sequence[Any]]:
    """All messages of a topic, in lists of some thousand.

    Raises:
        UnavailableError: the broker fell silent before the end of a partition.
    """
    source = reader(bootstrap_servers, topic)
    open_partitions = {part.partition for part in source.assignment()}
    heard = time.monotonic()
    try:
        while open_partitions:
            messages = source.consume(_CHUNK, _WAIT_S)
            if messages:
                heard = time.monotonic()
            elif time.monotonic() - heard > _SILENCE_S:
                raise UnavailableError(f"{topic} could not be read to its end")
            open_partitions -= {m.partition() for m in messages if m.error()}
            yield [m for m in messages if not m.error()]
    finally:
        source.close()
