"""Topics of the benchmark: made for a run and deleted after it."""

from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

PARTITIONS = 2
STAGES = ("predictions", "dead-letters", "features", "label-changes", "duplicates", "changelog")
_TIMEOUT_S = 30
_CONFIG = {
    # The broker's append time is the clock of every measurement here.
    "message.timestamp.type": "LogAppendTime",
    "retention.ms": "-1",
    "max.message.bytes": "16777216",
}


def create(bootstrap_servers: str, names: Sequence[str]) -> None:
    """Creates topics and waits until they are there."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 4})
    topics = [NewTopic(name, PARTITIONS, 1, config=_CONFIG) for name in names]
    for future in admin.create_topics(topics, operation_timeout=_TIMEOUT_S).values():
        future.result(_TIMEOUT_S)


def delete(bootstrap_servers: str, names: Sequence[str]) -> None:
    """Deletes topics; disk space matters here, not whether it worked."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 4})
    for future in admin.delete_topics(list(names)).values():
        try:
            future.result(_TIMEOUT_S)
        except KafkaException:
            continue


def outputs(prefix: str) -> list[str]:
    """The topics that a contestant may write."""
    return [f"{prefix}.{stage}" for stage in STAGES]


def written(bootstrap_servers: str, topic: str) -> int:
    """Offsets that a topic has used up: its records, open transactions and commit markers."""
    reader = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "ends"})
    parts = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    try:
        ends = [reader.get_watermark_offsets(part, timeout=_TIMEOUT_S) for part in parts]
    except KafkaException:
        return 0  # a topic that was just made has no leader for a moment
    finally:
        reader.close()
    return sum(high - low for low, high in ends)
