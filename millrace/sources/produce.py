"""Writes records to a Kafka topic, as fast as it takes them or held back by a pace."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from millrace.kafka.admin import require_reachable
from millrace.kafka.cluster import QUIET, Cluster
from millrace.sources.records import RawRecord
from udfs.errors import ConfigurationError, UnavailableError

Pace = Callable[[int, RawRecord], float]
"""(number of records sent, next record) -> seconds until the next one is due; <= 0: now."""

_PRODUCER = {
    "acks": "all",
    "enable.idempotence": True,
    "compression.type": "lz4",
    "batch.size": 524_288,
    "queue.buffering.max.messages": 500_000,
    # Java's partitioner, so that a key has one partition whoever writes it.
    "partitioner": "murmur2_random",
    # Reports cost a microsecond each; who is not reported as failed was delivered.
    "delivery.report.only.error": True,
}
_LINGER_FAST_MS, _LINGER_PACED_MS = 50, 5
_SHORTEST_SLEEP_S, _LONGEST_SLEEP_S = 0.004, 0.1
_TELL_EVERY_S = 0.2
_TOPIC_DEADLINE_S = 2.0
_FLUSH_DEADLINE_S = 60.0
_EVERY = 2_000


def at_rate(rate: float) -> Pace:
    """A pace of `rate` records a second, whatever their event times.

    Raises:
        ConfigurationError: the rate is not above 0.
    """
    if not rate > 0:
        raise ConfigurationError(f"a rate is above 0, not {rate}")
    start = time.monotonic()
    return lambda sent, _: start + sent / rate - time.monotonic()


def at_event_time() -> Pace:
    """A pace that holds each record back until the wall clock shows its event time."""
    return lambda _, record: record.timestamp_ms / 1_000 - time.time()


@dataclass
class Produced:
    """How far producing came; the same object is updated while it goes on.

    Attributes:
        sent: records handed to the client.
        failed: of them, those that no broker took; `reason` tells the first one's.
        pending: of them, those not yet acknowledged.
        interrupted: Ctrl-C ended it.
    """

    sent: int = 0
    failed: int = 0
    pending: int = 0
    reason: str = ""
    interrupted: bool = False
    started: float = field(default_factory=time.monotonic)

    @property
    def delivered(self) -> int:
        """Records that the broker acknowledged."""
        return self.sent - self.failed - self.pending

    @property
    def seconds(self) -> float:
        """Time since the first record."""
        return time.monotonic() - self.started


def produce(
    records: Iterable[RawRecord],
    *,
    topic: str,
    cluster: Cluster,
    pace: Pace | None = None,
    stopped: Callable[[], bool] = lambda: False,
    on_progress: Callable[[Produced], None] = lambda _: None,
) -> Produced:
    """Sends the records and waits until all are acknowledged.

    A key's records keep their order. Ctrl-C, or `stopped()`, ends it early: what was sent by
    then is flushed and counted.

    Args:
        records: what to send, in order.
        topic: an existing topic.
        cluster: where the topic is.
        pace: holds records back; None sends as fast as the broker takes them.
        stopped: asked every 2,000 records and before each wait.
        on_progress: called now and then, and at the end.

    Raises:
        UnavailableError: no broker answers, or records could not be delivered.
        ConfigurationError: there is no such topic, or none that a record names.
    """
    linger_ms = _LINGER_FAST_MS if pace is None else _LINGER_PACED_MS
    topics = _Topics(cluster, linger_ms)
    topics.require(topic)
    run = _Run(topics, topic, pace, stopped, on_progress)
    try:
        run.send_all(records)
    except KeyboardInterrupt:
        run.produced.interrupted = True
    except Exception:  # of the records: those before it count
        topics.producer.flush(_FLUSH_DEADLINE_S)
        raise
    return run.finish(_FLUSH_DEADLINE_S)


class _Topics:
    """A producer, and the topics that it has asked for; the cluster's properties go over ours.

    To an unknown topic a client would queue records for half a minute before it says so.
    """

    def __init__(self, cluster: Cluster, linger_ms: int) -> None:
        require_reachable(cluster.bootstrap_servers)
        self.known: set[str] = set()
        self._cluster = cluster
        settings = {**_PRODUCER, "linger.ms": linger_ms, **cluster.client()}
        try:
            self.producer = Producer(settings, logger=QUIET)
        except KafkaException as error:
            raise cluster.failure(error) from error

    def require(self, topic: str) -> None:
        """Returns when there is such a topic; asks for each once."""
        if topic in self.known:
            return
        deadline = time.monotonic() + _TOPIC_DEADLINE_S
        try:
            # A topic that was made a moment ago may not have reached every broker yet.
            while (error := self._error(topic)) is not None:
                if time.monotonic() > deadline:
                    raise KafkaException(error)
                time.sleep(0.05)
        except KafkaException as error:
            raise self._cluster.failure(error) from error
        self.known.add(topic)

    def _error(self, topic: str) -> KafkaError | None:
        found: KafkaError | None = self.producer.list_topics(topic, timeout=10).topics[topic].error
        return found


class _Run:
    """One run of a producer: its counts, and when to wait, to ask and to tell."""

    def __init__(
        self,
        topics: _Topics,
        topic: str,
        pace: Pace | None,
        stopped: Callable[[], bool],
        on_progress: Callable[[Produced], None],
    ) -> None:
        self.produced = Produced()
        self._topics, self._producer = topics, topics.producer
        self._topic, self._pace = topic, pace
        self._stopped, self._on_progress = stopped, on_progress
        self._told = 0.0

    def send_all(self, records: Iterable[RawRecord]) -> None:
        """Hands all records to the client, unless it is stopped or one fails."""
        produced, pace = self.produced, self._pace
        for record in records:
            if produced.sent % _EVERY == 0 and self._over():
                return
            if pace is not None and not self._due(pace, record):
                return
            self._send(record)
            produced.sent += 1

    def finish(self, deadline_s: float) -> Produced:
        """Waits for the acknowledgements that are missing."""
        produced = self.produced
        produced.pending = self._producer.flush(deadline_s)
        self._on_progress(produced)
        if produced.failed or produced.pending:
            raise UnavailableError(
                f"{produced.delivered:,} of {produced.sent:,} records reached "
                f"{' and '.join(sorted(self._topics.known))}; the others did not: "
                f"{produced.reason or 'the broker gave no answer'}"
            )
        return produced

    def _send(self, record: RawRecord) -> None:
        topic = record.topic or self._topic
        self._topics.require(topic)
        while True:
            try:
                self._producer.produce(
                    topic,
                    record.value,
                    record.key,
                    timestamp=record.timestamp_ms,
                    on_delivery=self._failed,
                )
                return
            except BufferError:  # the client's queue is full: wait for the broker
                self._producer.poll(0.1)
            except KafkaException as error:
                self._failed(error.args[0], None)
                return

    def _failed(self, error: KafkaError | None, message: Message | None) -> None:
        if error is not None:
            self.produced.failed += 1
            where = f"{message.topic()}: " if message is not None else ""
            self.produced.reason = self.produced.reason or f"{where}{error.str()}"

    def _due(self, pace: Pace, record: RawRecord) -> bool:
        """Waits until the record is due; False when it should not be sent any more."""
        while (due_s := pace(self.produced.sent, record)) > _SHORTEST_SLEEP_S:
            if self._over():
                return False
            self._producer.poll(min(due_s, _LONGEST_SLEEP_S))
        return True

    def _over(self) -> bool:
        """Serves the client, tells the progress, and whether to send no more."""
        self._producer.poll(0)
        now = time.monotonic()
        if now - self._told > _TELL_EVERY_S:
            self._told = now
            self.produced.pending = len(self._producer)
            self._on_progress(self.produced)
        return self.produced.failed > 0 or self._stopped()
