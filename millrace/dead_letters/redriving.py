"""Writes dead letters back to the topic they came from, each at most once.

Records and ledger entries go in one Kafka transaction, so what was redriven is remembered exactly
when it was. The transactional id fences a second redrive at the same time: its transaction cannot
be committed after the ledger was read here.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

import msgspec
from confluent_kafka import KafkaException, Message, Producer

from millrace.dead_letters.ledger import Ledger, Redrive, entries, text
from millrace.dead_letters.letters import Letter
from millrace.kafka.admin import require_reachable
from millrace.kafka.cluster import QUIET, Cluster
from millrace.kafka.readers import read
from millrace.kafka.topics import DEAD_LETTERS, LABELS, RAW, REDRIVES
from udfs.errors import MillraceError, UnavailableError

MAX_ATTEMPTS = 3
_BATCH = 1_000
_TIMEOUT_S = 60.0
_TRANSACTION_MS = 60_000
_HEADER = "millrace.redrive"


class Fenced(MillraceError):
    """Another redrive of the use case began meanwhile."""


@dataclass
class Redriven:
    """What a redrive did, or would do.

    Attributes:
        written: dead letters that were written back.
        already: of those chosen, redriven before.
        exhausted: of those chosen, redriven as often as is allowed.
        foreign: of those chosen, about records of topics that are not the use case's inputs.
        interrupted: it was stopped before the last one.
    """

    written: list[Redrive] = field(default_factory=list)
    already: int = 0
    exhausted: int = 0
    foreign: int = 0
    interrupted: bool = False


class Redriver:
    """Redrives dead letters of one use case.

    Args:
        cluster: where its topics are.
        use_case: its name.
        transactional_id: unique to the deployment.
        max_attempts: how often the same bytes may be redriven.
        batch: letters in a transaction.
    """

    def __init__(
        self,
        cluster: Cluster,
        use_case: str,
        transactional_id: str,
        max_attempts: int = MAX_ATTEMPTS,
        batch: int = _BATCH,
    ) -> None:
        self._cluster = cluster
        self._use_case = use_case
        self._transactional_id = transactional_id
        self._max_attempts = max_attempts
        self._batch = batch

    def plan(self, letters: Iterable[Letter]) -> Redriven:
        """What a redrive would do now; writes nothing, and targets have no offset yet."""
        done, ledger = Redriven(), self._ledger()
        for letter in self._open(letters, ledger, done):
            done.written.append(self._entry(letter, ledger, offset=-1))
        return done

    def redrive(
        self, letters: Iterable[Letter], on_progress: Callable[[int], None] = lambda count: None
    ) -> Redriven:
        """Writes letters back, a transaction for each thousand of them.

        Args:
            letters: the chosen ones.
            on_progress: told after each transaction how many were written.

        Raises:
            Fenced: another redrive began meanwhile; what was committed before stays.
            UnavailableError: the broker went away; the open transaction is void.
        """
        done = Redriven()
        with self._producer() as producer:
            # After the producer has fenced its predecessors nobody else adds to the ledger.
            ledger = self._ledger()
            waiting = self._open(letters, ledger, done)
            try:
                while batch := list(islice(waiting, self._batch)):
                    done.written += self._transaction(producer, batch, ledger)
                    on_progress(len(done.written))
            except KeyboardInterrupt:
                done.interrupted = True
        return done

    def _open(self, letters: Iterable[Letter], ledger: Ledger, done: Redriven) -> Iterator[Letter]:
        """Letters that may be redriven; the others are counted."""
        inputs = {f"{self._use_case}.{stage}" for stage in (RAW, LABELS)}
        for letter in letters:
            if ledger.of_letter(self._place(letter)):
                done.already += 1
            elif letter.content.source_topic not in inputs:
                done.foreign += 1
            elif ledger.attempt(letter)[1] > self._max_attempts:
                done.exhausted += 1
            else:
                yield letter

    def _transaction(
        self, producer: Producer, batch: Sequence[Letter], ledger: Ledger
    ) -> list[Redrive]:
        written: list[Redrive] = []

        def delivered(letter: Letter) -> Callable[[object, Message], None]:
            def note(error: object, message: Message) -> None:
                if error is None:
                    written.append(self._entry(letter, ledger, message.offset()))

            return note

        try:
            producer.begin_transaction()
            for letter in batch:
                self._send(producer, letter, ledger, delivered(letter))
            # Offsets are known once the broker has the records, before they are committed.
            if producer.flush(_TIMEOUT_S) or len(written) != len(batch):
                raise UnavailableError(
                    f"Kafka at {self._cluster.bootstrap_servers} did not take the records in "
                    f"{_TIMEOUT_S:.0f} s; nothing of this transaction counts"
                )
            for entry in written:
                producer.produce(
                    f"{self._use_case}.{REDRIVES}", msgspec.json.encode(entry), entry.dead_letter
                )
            producer.commit_transaction(_TIMEOUT_S)
        except KafkaException as error:
            raise self._failure(error) from error
        for entry in written:
            ledger.add(entry)
        return written

    def _send(
        self,
        producer: Producer,
        letter: Letter,
        ledger: Ledger,
        on_delivery: Callable[[object, Message], None],
    ) -> None:
        content, entry = letter.content, self._entry(letter, ledger, offset=-1)
        producer.produce(
            content.source_topic,
            content.value,
            content.key,
            # Its own partition, whatever the partitioner says now: a partition has a clock.
            partition=content.source_partition,
            timestamp=max(content.kafka_timestamp_ms, 0),
            headers={
                f"{_HEADER}.dead-letter": entry.dead_letter.encode(),
                f"{_HEADER}.source": entry.source.encode(),
                f"{_HEADER}.origin": entry.origin.encode(),
                f"{_HEADER}.attempt": b"%d" % entry.attempt,
                f"{_HEADER}.reason": content.reason.value.encode(),
            },
            on_delivery=on_delivery,
        )
        producer.poll(0)

    def _entry(self, letter: Letter, ledger: Ledger, offset: int) -> Redrive:
        origin, attempt = ledger.attempt(letter)
        topic, partition, _ = letter.source
        return Redrive(
            dead_letter=self._place(letter),
            source=text(letter.source),
            origin=origin,
            attempt=attempt,
            target=text((topic, partition, offset)),
            redriven_time_ms=int(time.time() * 1000),
        )

    def _place(self, letter: Letter) -> str:
        return text((f"{self._use_case}.{DEAD_LETTERS}", letter.partition, letter.offset))

    def _ledger(self) -> Ledger:
        return Ledger(entries(read(self._cluster, f"{self._use_case}.{REDRIVES}")))

    @contextmanager
    def _producer(self) -> Iterator[Producer]:
        require_reachable(self._cluster.bootstrap_servers)
        properties = self._cluster.client(
            transactional_id=self._transactional_id,
            transaction_timeout_ms=_TRANSACTION_MS,
            message_max_bytes=16 * 1024 * 1024,
        )
        try:
            producer = Producer(properties, logger=QUIET)
            producer.init_transactions(_TIMEOUT_S)
        except KafkaException as error:
            raise self._failure(error) from error
        yield producer

    def _failure(self, error: KafkaException) -> MillraceError:
        if error.args[0].fatal():
            return Fenced(
                f"another redrive of {self._use_case} began meanwhile and this one was broken "
                "off; what it had committed stays, nothing is written twice"
            )
        return self._cluster.failure(error)
