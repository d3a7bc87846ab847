"""What goes to Kafka: key, value and timestamp, encoded from a use case's records."""

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from udfs.use_cases.contract import UseCase


class RawRecord(NamedTuple):
    """One Kafka record before it is sent; the timestamp is the event time.

    `topic` is None for the topic that is produced to.
    """

    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    topic: str | None = None


def encoded(use_case: UseCase, records: Iterable[Any]) -> Iterator[RawRecord]:
    """The records as JSON, keyed by the decimal text of the entity key.

    >>> from udfs.use_cases.fraud import FRAUD
    >>> from udfs.use_cases.fraud_records import Transaction
    >>> [raw] = encoded(FRAUD, [Transaction(1, 22, 3, 4, 5)])
    >>> raw.key, raw.timestamp_ms
    (b'22', 5)
    """
    encode = msgspec.json.Encoder().encode
    key_and_time = attrgetter(use_case.entity_key, use_case.event_time)
    for record in records:
        key, time = key_and_time(record)
        yield RawRecord(str(key).encode(), encode(record), time)
