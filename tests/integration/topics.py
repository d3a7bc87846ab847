"""Topics of a test, and the moment at which a reader of committed records sees them whole."""

import time
from collections.abc import Iterable

from confluent_kafka.admin import NewTopic

from millrace.kafka.admin import admin_client, results
from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import end_offsets

# Event times lie in the past: with Kafka's usual retention the broker deletes such records as soon
# as it looks, in the middle of a test.
_CONFIG = {"retention.ms": "-1", "max.message.bytes": str(16 * 1024 * 1024)}
_DEADLINE_S = 10.0


def create_topics(servers: str, names: Iterable[str], partitions: int = 2) -> None:
    """Creates topics that keep their records, whatever times those bear."""
    topics = [NewTopic(name, partitions, 1, config=_CONFIG) for name in names]
    with admin_client(Cluster(servers)) as admin:
        results(admin.create_topics(topics))


def settle(servers: str, topic: str) -> None:
    """Returns once what is in a topic now is readable, or belongs to a transaction left open.

    The broker writes the marker that makes records readable a moment after the commit returned;
    a transaction that is still open after ten seconds is taken for one that nobody will end.
    """
    cluster = Cluster(servers)
    written = end_offsets(cluster, topic, committed=False)
    deadline = time.monotonic() + _DEADLINE_S
    while any(end_offsets(cluster, topic)[p] < end for p, end in written.items()):
        if time.monotonic() > deadline:
            return
        time.sleep(0.05)
