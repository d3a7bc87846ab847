"""What consumer groups have committed."""

from contextlib import closing

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from millrace.kafka.admin import answered
from millrace.kafka.cluster import QUIET, Cluster
from millrace.kafka.readers import partitions_of

_DEADLINE_S = 30.0
_NO_COORDINATOR = {
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError._WAIT_COORD,
}


def committed_offsets(cluster: Cluster, group_id: str, topic: str) -> dict[int, int]:
    """Where a consumer group goes on reading a topic; partitions without a commit are left out.

    Raises:
        ConfigurationError: there is no such topic.
        UnavailableError: no broker, or no coordinator of the group, answers.
    """
    asked = [TopicPartition(topic, number) for number in partitions_of(cluster, topic)]
    # confluent-kafka's admin client, asked for a group's offsets, ended the process (SIGSEGV)
    # where a broker that had just started had no coordinator yet. A consumer does not join here.
    properties = {**cluster.client(), "group.id": group_id, "enable.auto.commit": False}
    try:
        with closing(Consumer(properties, logger=QUIET)) as consumer:
            found = answered(lambda: _committed(consumer, asked), _NO_COORDINATOR, _DEADLINE_S)
    except KafkaException as error:
        raise cluster.failure(error) from error
    return {place.partition: place.offset for place in found if place.offset >= 0}


def _committed(consumer: Consumer, asked: list[TopicPartition]) -> list[TopicPartition]:
    found: list[TopicPartition] = consumer.committed(asked, timeout=10)
    for place in found:
        if place.error is not None:
            raise KafkaException(place.error)
    return found
