"""Records reach a real broker with key, value, event time and the partition of their key."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import NewTopic
from kafka import KafkaConsumer
from kafka.partitioner import murmur2

from millrace.kafka.admin import admin_client, results
from millrace.kafka.cluster import Cluster
from millrace.sources.produce import produce
from millrace.sources.records import RawRecord
from millrace.stack.broker import Broker
from udfs.errors import ConfigurationError

PARTITIONS = 4


@pytest.fixture(scope="module")
def bootstrap_servers() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder), heap="512m") as broker:
        with admin_client(Cluster(broker.bootstrap_servers)) as client:
            names = ("sent", "stopped")
            results(client.create_topics([NewTopic(name, PARTITIONS, 1) for name in names]))
        yield broker.bootstrap_servers


def consumed(bootstrap_servers: str, topic: str, count: int) -> list[tuple[RawRecord, int]]:
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=bootstrap_servers,
        auto_offset_reset="earliest",
        consumer_timeout_ms=5_000,
    )
    found = []
    for message in consumer:
        record = RawRecord(message.key, message.value, message.timestamp)
        found.append((record, message.partition))
        if len(found) == count:
            break
    consumer.close()
    return found


def test_records_arrive_whole_in_the_partition_of_java_producers(bootstrap_servers: str) -> None:
    sent = [RawRecord(b"%d" % n, b'{"n":%d}' % n, 1_522_540_800_000 + n) for n in range(500)]
    produced = produce(sent, topic="sent", bootstrap_servers=bootstrap_servers)
    expected = [(record, (murmur2(record.key or b"") & 0x7FFFFFFF) % PARTITIONS) for record in sent]
    assert produced.delivered == 500
    assert sorted(consumed(bootstrap_servers, "sent", 500)) == sorted(expected)


def test_a_stop_ends_it_and_what_was_sent_is_counted(bootstrap_servers: str) -> None:
    def endless() -> Iterator[RawRecord]:
        while True:
            yield RawRecord(b"1", None, 1_522_540_800_000)

    asked = iter(range(100))
    produced = produce(
        endless(),
        topic="stopped",
        bootstrap_servers=bootstrap_servers,
        stopped=lambda: next(asked) == 2,
    )
    assert produced.delivered == 4_000


def test_a_missing_topic_is_named_with_the_remedy(bootstrap_servers: str) -> None:
    with pytest.raises(ConfigurationError, match=r"topic nowhere .*`millrace topics apply`"):
        produce([], topic="nowhere", bootstrap_servers=bootstrap_servers)
