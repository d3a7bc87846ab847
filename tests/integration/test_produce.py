"""Records reach a real broker with key, value, event time and the partition of their key."""

from collections.abc import Iterator

import pytest
from kafka import KafkaConsumer
from kafka.partitioner import murmur2

from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import end_offsets
from millrace.sources.produce import produce
from millrace.sources.records import RawRecord
from tests.integration.topics import create_topics
from udfs.errors import ConfigurationError

PARTITIONS = 4


@pytest.fixture(scope="module")
def cluster(bootstrap_servers: str) -> Cluster:
    names = ("produce.sent", "produce.stopped", "produce.before")
    create_topics(bootstrap_servers, names, PARTITIONS)
    return Cluster(bootstrap_servers)


def consumed(cluster: Cluster, topic: str, count: int) -> list[tuple[RawRecord, int]]:
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=cluster.bootstrap_servers,
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


def test_records_arrive_whole_in_the_partition_of_java_producers(cluster: Cluster) -> None:
    sent = [RawRecord(b"%d" % n, b'{"n":%d}' % n, 1_522_540_800_000 + n) for n in range(500)]
    produced = produce(sent, topic="produce.sent", cluster=cluster)
    expected = [(record, (murmur2(record.key or b"") & 0x7FFFFFFF) % PARTITIONS) for record in sent]
    assert produced.delivered == 500
    assert sorted(consumed(cluster, "produce.sent", 500)) == sorted(expected)


def test_a_stop_ends_it_and_what_was_sent_is_counted(cluster: Cluster) -> None:
    def endless() -> Iterator[RawRecord]:
        while True:
            yield RawRecord(b"1", None, 1_522_540_800_000)

    asked = iter(range(100))
    produced = produce(
        endless(),
        topic="produce.stopped",
        cluster=cluster,
        stopped=lambda: next(asked) == 2,
    )
    assert produced.delivered == 4_000


def test_a_missing_topic_is_told_with_the_remedy(cluster: Cluster) -> None:
    with pytest.raises(ConfigurationError, match=r"no such topic .*`millrace topics apply`"):
        produce([], topic="nowhere", cluster=cluster)


def test_a_record_for_a_missing_topic_is_told_at_once_and_those_before_it_count(
    cluster: Cluster,
) -> None:
    sent = [RawRecord(b"1", b"{}", 1_522_540_800_000, topic) for topic in (None, "gone.labels")]
    with pytest.raises(ConfigurationError, match=r"no such topic .*`millrace topics apply`"):
        produce(sent, topic="produce.before", cluster=cluster)
    assert sum(end_offsets(cluster, "produce.before").values()) == 1
