"""Reads topics: a fixed range to its end, or records as they come."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import OffsetSpec

from millrace.kafka.admin import admin_client, answered, require_reachable, results
from millrace.kafka.cluster import QUIET, Cluster
from udfs.errors import ConfigurationError, UnavailableError
from udfs.nearest import did_you_mean

Offsets = Mapping[int, int]
"""An offset for each partition."""

_BATCH = 5_000
_POLL_S = 0.2
_SILENCE_S = 30.0
_ASK_AFTER_S = 3.0
_LEADER_DEADLINE_S = 60.0
_NO_LEADER = {
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    # The client knows of no leader, or of one before the newest election.
    KafkaError._NOENT,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.FENCED_LEADER_EPOCH,
}


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a topic, undecoded; the timestamp is UTC milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def partitions_of(cluster: Cluster, topic: str) -> list[int]:
    """The partitions of a topic, ascending.

    Raises:
        ConfigurationError: there is no such topic.
        UnavailableError: no broker answers.
    """
    with admin_client(cluster) as admin:
        found = admin.list_topics(timeout=10).topics
    if topic not in found:
        near = did_you_mean(topic, found)
        hint = f"{near} " if near else ""
        raise ConfigurationError(
            f"there is no topic {topic} at {cluster.bootstrap_servers}; {hint}"
            "`millrace topics apply` makes those of a use case"
        )
    return sorted(found[topic].partitions)


def first_offsets(cluster: Cluster, topic: str) -> dict[int, int]:
    """The oldest offset that each partition still holds."""
    return _offsets(cluster, topic, OffsetSpec.earliest(), committed=False)


def end_offsets(cluster: Cluster, topic: str, *, committed: bool = True) -> dict[int, int]:
    """The offset after the last record of each partition.

    Args:
        cluster: where the topic is.
        topic: its name.
        committed: stop before the oldest transaction that is still open.
    """
    return _offsets(cluster, topic, OffsetSpec.latest(), committed=committed)


def offsets_at(cluster: Cluster, topic: str, time_ms: int) -> dict[int, int]:
    """The oldest offset of each partition whose timestamp is not before a time, else its end."""
    spec = OffsetSpec.for_timestamp(max(time_ms, 0))
    found = _offsets(cluster, topic, spec, committed=False)
    end = end_offsets(cluster, topic)
    return {p: end[p] if offset < 0 else min(offset, end[p]) for p, offset in found.items()}


def read(
    cluster: Cluster,
    topic: str,
    *,
    start: Offsets | None = None,
    end: Offsets | None = None,
    committed: bool = True,
    silence_s: float = _SILENCE_S,
) -> Iterator[Record]:
    """All records of a range, each partition in its order.

    Args:
        cluster: where the topic is.
        topic: its name.
        start: first offset by partition; the oldest ones when None.
        end: offset after the last by partition; the newest at the time of the call when None.
        committed: leave out records of aborted and open transactions.
        silence_s: give up when nothing at all comes for so long.

    Raises:
        ConfigurationError: there is no such topic.
        UnavailableError: the broker went silent, or the range is deleted already.
    """
    start = first_offsets(cluster, topic) if start is None else start
    end = end_offsets(cluster, topic, committed=committed) if end is None else end
    open_ends = {p: end[p] for p in start if p in end and start[p] < end[p]}
    if not open_ends:
        return
    with closing(_consumer(cluster, committed)) as consumer:
        consumer.assign([TopicPartition(topic, p, start[p]) for p in open_ends])
        silent_s = 0.0
        while open_ends:
            messages = _consume(cluster, consumer)
            silent_s = 0.0 if messages else silent_s + _POLL_S
            if silent_s > silence_s:
                raise UnavailableError(
                    f"{topic} at {cluster.bootstrap_servers} gave nothing for {silence_s:.0f} s, "
                    f"though offsets up to {dict(open_ends)} were announced"
                )
            for message in messages:
                yield from _within(message, open_ends)


def follow(
    cluster: Cluster,
    topic: str,
    *,
    from_beginning: bool = False,
    committed: bool = True,
    stopped: Callable[[], bool] = lambda: False,
    poll_s: float = _POLL_S,
) -> Iterator[Record]:
    """Records as they come, without end unless `stopped()` says so.

    Args:
        cluster: where the topic is.
        topic: its name.
        from_beginning: start with the oldest record instead of the next one.
        committed: leave out records of aborted and open transactions.
        stopped: asked after each poll.
        poll_s: the longest that a record waits for others to be handed over with it.

    Raises:
        ConfigurationError: there is no such topic.
        UnavailableError: the broker is gone.
    """
    offsets = (
        first_offsets(cluster, topic)
        if from_beginning
        else end_offsets(cluster, topic, committed=committed)
    )
    with closing(_consumer(cluster, committed)) as consumer:
        consumer.assign([TopicPartition(topic, p, offset) for p, offset in offsets.items()])
        silent_s = 0.0
        while not stopped():
            messages = _consume(cluster, consumer, poll_s)
            silent_s = 0.0 if messages else silent_s + poll_s
            if silent_s > _ASK_AFTER_S:  # the client itself would wait for ever
                require_reachable(cluster.bootstrap_servers)
                silent_s = 0.0
            yield from (_record(message) for message in messages if not message.error())


def _offsets(cluster: Cluster, topic: str, spec: OffsetSpec, *, committed: bool) -> dict[int, int]:
    level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
    wanted = {TopicPartition(topic, p): spec for p in partitions_of(cluster, topic)}
    with admin_client(cluster) as admin:
        # No leader yet where a partition was made or moved a moment ago, none for a moment where
        # its only broker stood still for longer than its session. By itself the client would go
        # on with what it knows of the leaders.
        found = answered(
            lambda: results(admin.list_offsets(wanted, isolation_level=level)),
            _NO_LEADER,
            _LEADER_DEADLINE_S,
            before_again=lambda: admin.list_topics(topic, timeout=10),
        )
    return {place.partition: answer.offset for place, answer in sorted(found.items())}


def _consumer(cluster: Cluster, committed: bool) -> Consumer:
    properties = {
        **cluster.client(),
        # Required by the client; nothing is ever committed under it.
        "group.id": "millrace-reader",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        # A range that was deleted meanwhile is an error, not a silent jump.
        "auto.offset.reset": "error",
        "isolation.level": "read_committed" if committed else "read_uncommitted",
    }
    try:
        return Consumer(properties, logger=QUIET)
    except KafkaException as error:
        raise cluster.failure(error) from error


def _consume(cluster: Cluster, consumer: Consumer, poll_s: float = _POLL_S) -> list[Message]:
    """The next messages and ends of partitions; other errors are raised.

    What passes by itself, such as a leader that is missing for a moment, the client retries.
    """
    try:
        messages: list[Message] = consumer.consume(_BATCH, poll_s)
    except KafkaException as error:
        raise cluster.failure(error) from error
    for message in messages:
        if message.error() and message.error().code() != KafkaError._PARTITION_EOF:
            raise cluster.failure(KafkaException(message.error()))
    return messages


def _within(message: Message, open_ends: dict[int, int]) -> Iterator[Record]:
    """The message if it is inside its range; closes the range when this was its end.

    The last offset of a range may belong to no record (a commit marker, an aborted one), so its
    end is seen by the end of the partition or by a record beyond as well.
    """
    partition, offset = message.partition(), message.offset()
    end = open_ends.get(partition)
    if end is None:
        return
    at_end = message.error() is not None
    if not at_end and offset < end:
        yield _record(message)
    if (offset if at_end else offset + 1) >= end:
        del open_ends[partition]


def _record(message: Message) -> Record:
    return Record(
        message.topic(),
        message.partition(),
        message.offset(),
        message.timestamp()[1],
        message.key(),
        message.value(),
        tuple(message.headers() or ()),
    )
