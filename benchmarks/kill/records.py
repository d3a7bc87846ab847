"""The same records, some malformed, at the same places of two raw topics."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from benchmarks.kill.job import PARTITIONS
from benchmarks.reading import chunks
from millrace.kafka.cluster import Cluster
from millrace.kafka.topics import RAW, apply
from millrace.settings import KafkaSettings, Settings
from millrace.sources.files import labelled_records
from millrace.sources.generator import past
from millrace.sources.labels import WithLabels
from millrace.sources.malformed import KINDS, Malformed
from millrace.sources.produce import produce
from millrace.sources.records import encoded
from udfs.errors import UnavailableError
from udfs.records import Reason
from udfs.use_cases.contract import Label, UseCase
from udfs.use_cases.fraud import FRAUD

MALFORMED_SHARE = 0.01
_SPAN = timedelta(days=60)
_END_MS = 1_750_000_000_000
_FLUSH_S = 60.0
_REASON_OF = {kind.name: kind.reason for kind in KINDS}


def create_topics(bootstrap_servers: str, names: tuple[str, ...]) -> None:
    """Creates the topics of the use cases."""
    kafka = KafkaSettings(bootstrap_servers=bootstrap_servers, partitions=PARTITIONS)
    for name in names:
        apply(Settings(kafka=kafka), name)


def fill(
    bootstrap_servers: str, use_case: UseCase, *, count: int, seed: int, data: Path | None
) -> tuple[Counter[str], int]:
    """Writes `count` records of fraud to the raw topic of a use case, their labels to its labels.

    The use case is fraud, perhaps under another name; readers of files go by the first one.

    Returns:
        How many records were made malformed in which way, and how many labels were written.
    """
    records: Iterator[tuple[Any, Label]] = (
        past(FRAUD, seed=seed, count=count, span=_SPAN, end_ms=_END_MS)
        if data is None
        else labelled_records(FRAUD, data)
    )
    faults, labels = Malformed(FRAUD, MALFORMED_SHARE, seed), WithLabels(use_case)
    raw = labels.among(islice(records, count), lambda some: faults.among(encoded(FRAUD, some)))
    written = produce(raw, topic=f"{use_case.name}.{RAW}", cluster=Cluster(bootstrap_servers))
    if written.interrupted:
        raise KeyboardInterrupt  # `produce` flushes first; a part of the records is no measurement
    return faults.counts, labels.told


def copy(bootstrap_servers: str, source: str, target: str) -> None:
    """Writes all records of a topic to an empty one, at the same partitions and offsets."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "enable.idempotence": True,
            "linger.ms": 50,
            "batch.size": 524_288,
            "compression.type": "lz4",
            "queue.buffering.max.messages": 200_000,
        }
    )
    for messages in chunks(bootstrap_servers, source):
        for m in messages:
            stamp = m.timestamp()[1]
            producer.produce(target, m.value(), m.key(), m.partition(), timestamp=stamp)
        while len(producer) > 100_000:  # noqa: PLR2004 - half of the client's queue
            producer.poll(0.1)
    if producer.flush(_FLUSH_S):
        raise UnavailableError(f"{target} could not be written")


def expected_reasons(kinds: Counter[str]) -> Counter[Reason]:
    """How many dead letters have to give each reason.

    >>> expected_reasons(Counter(empty_value=1, null_value=2))
    Counter({<Reason.EMPTY: 'empty'>: 3})
    """
    found: Counter[Reason] = Counter()
    for name, count in kinds.items():
        found[_REASON_OF[name]] += count
    return found
