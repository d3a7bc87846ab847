"""Kafka transactions of records and of how far their source was ingested: both, or neither.

The transactional id belongs to the source, so a second ingest of it fences the first one: nobody
adds to a source's positions after they were read here.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
from confluent_kafka import KafkaException, Producer

from millrace.ingest.entries import MAX_RECORD_BYTES
from millrace.kafka.admin import require_reachable
from millrace.kafka.cluster import QUIET, Cluster
from millrace.kafka.readers import end_offsets, partitions_of, read
from millrace.kafka.topics import INGEST_POSITIONS, RAW
from udfs.errors import MillraceError

Mark = TypeVar("Mark", bound=msgspec.Struct)

_TRANSACTION_S = 60
_COMMIT_S = 30.0
_COMMITS_S = 120.0
_PRODUCER = {
    "transaction.timeout.ms": _TRANSACTION_S * 1_000,
    "message.max.bytes": 2 * MAX_RECORD_BYTES,
    "compression.type": "lz4",
    "batch.size": 524_288,
    "linger.ms": 20,
    # Java's partitioner, so that a key has one partition whoever writes it.
    "partitioner": "murmur2_random",
    # What was not delivered fails the commit.
    "delivery.report.only.error": True,
}


class Fenced(MillraceError):
    """Another ingest of the same source began meanwhile."""


@dataclass(frozen=True)
class Source:
    """What is ingested under one name.

    Attributes:
        cluster: where the topics are.
        use_case: its name.
        name: of the source; its positions are its own.
        transactional_id: unique to deployment and source.
    """

    cluster: Cluster
    use_case: str
    name: str
    transactional_id: str

    @property
    def topic(self) -> str:
        """Where records go."""
        return f"{self.use_case}.{RAW}"

    @property
    def positions(self) -> str:
        """The topic that says how far the source was ingested."""
        return f"{self.use_case}.{INGEST_POSITIONS}"

    def key(self, kind: str, name: str) -> bytes:
        """The key of an entry there."""
        return msgspec.json.encode([self.name, kind, name])


@dataclass
class Transactions:
    """One transaction after the other; `records` and `size` are those of the open one.

    Attributes:
        source: whose they are.
        producer: ready for transactions.
        records: sent in it.
        size: of their values, bytes.
    """

    source: Source
    producer: Producer
    records: int = 0
    size: int = 0
    _open: bool = field(default=False, init=False)

    def send(self, key: bytes | None, value: bytes, timestamp_ms: int | None) -> None:
        """Adds a record to the open transaction; begins one if there is none.

        Raises:
            Fenced: another ingest of the source began.
            UnavailableError: the broker does not take it.
        """
        # librdkafka takes 0 for the time of the call.
        timestamp = 0 if timestamp_ms is None else max(timestamp_ms, 1)
        self._produce(self.source.topic, value, key, timestamp)
        self.records += 1
        self.size += len(value)

    def mark(self, kind: str, name: str, content: msgspec.Struct | None) -> None:
        """Adds to the open transaction how far something was ingested; None forgets it."""
        value = None if content is None else msgspec.json.encode(content)
        self._produce(self.source.positions, value, self.source.key(kind, name), 0)

    def commit(self) -> None:
        """Makes all of it count.

        Raises:
            Fenced: another ingest of the source began; nothing of the transaction counts.
            UnavailableError: the broker does not answer; the next ingest knows what counts.
        """
        deadline = time.monotonic() + _COMMITS_S
        while self._open:
            try:
                self.producer.commit_transaction(_COMMIT_S)
                self._open = False
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > deadline:
                    raise self.failed(error) from error
        self.records = self.size = 0

    def abort(self) -> None:
        """Makes nothing of it count.

        Raises:
            UnavailableError: the broker does not answer; then it will not count either.
        """
        if self._open:
            try:
                self.producer.abort_transaction(_COMMIT_S)
            except KafkaException as error:
                raise self.failed(error) from error
        self._open, self.records, self.size = False, 0, 0

    def failed(self, error: KafkaException) -> MillraceError:
        """The error of ours that a client's error is."""
        cause = error.args[0]
        if cause.fatal():
            return Fenced(
                f"another ingest of the source {self.source.name!r} into {self.source.topic} "
                f"began, or this one stood still for more than {_TRANSACTION_S} s, and was broken "
                "off; nothing is lost or written twice; give sources that run at once a --source "
                "of their own"
            )
        return self.source.cluster.failure(error)

    def _produce(self, topic: str, value: bytes | None, key: bytes | None, timestamp: int) -> None:
        try:
            if not self._open:
                self.producer.begin_transaction()
                self._open = True
            while True:
                try:
                    self.producer.produce(topic, value, key, timestamp=timestamp)
                    return
                except BufferError:  # the client's queue is full: wait for the broker
                    self.producer.poll(0.1)
        except KafkaException as error:
            raise self.failed(error) from error


@contextmanager
def transactions(source: Source) -> Iterator[Transactions]:
    """Transactions of a source; whoever held them before is fenced.

    Raises:
        ConfigurationError: the topics are missing.
        UnavailableError: no broker answers.
    """
    cluster = source.cluster
    require_reachable(cluster.bootstrap_servers)
    for topic in (source.topic, source.positions):
        partitions_of(cluster, topic)
    own = {**_PRODUCER, "transactional.id": source.transactional_id}
    try:
        producer = Producer({**own, **cluster.client()}, logger=QUIET)
        opened = Transactions(source, producer)
        producer.init_transactions(_TRANSACTION_S)
    except KafkaException as error:
        raise cluster.failure(error) from error
    try:
        yield opened
    except BaseException:
        _give_up(opened)
        raise


def marks(source: Source, kind: str, of: type[Mark]) -> dict[str, Mark]:
    """What counts of a source, by name; to be read after it was fenced.

    Waits for transactions of other sources that are open: ours may stand behind them.

    Raises:
        UnavailableError: no broker answers.
    """
    end = end_offsets(source.cluster, source.positions, committed=False)
    decode = msgspec.json.Decoder(of).decode
    found: dict[str, Mark] = {}
    records = read(source.cluster, source.positions, end=end, silence_s=2.0 * _TRANSACTION_S)
    for record in records:
        whose, what, name = msgspec.json.decode(record.key or b"", type=tuple[str, str, str])
        if (whose, what) != (source.name, kind):
            continue
        # Taken out first: what comes last is the newest.
        found.pop(name, None)
        if record.value is not None:
            found[name] = decode(record.value)
    return found


def _give_up(opened: Transactions) -> None:
    """Ends an open transaction at once, so that readers need not wait until it times out."""
    # The error that led here is the one to tell, and the broker aborts what times out.
    with suppress(MillraceError):
        opened.abort()
