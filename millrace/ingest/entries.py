"""What goes to the raw topic: a value whatever it is, and what could be read of it."""

from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from udfs.use_cases.contract import UseCase

MAX_RECORD_BYTES = 1_000_000
"""A larger value is refused; Kafka takes batches of 1,048,588 bytes unless told otherwise."""

_MAX_TIME_MS = 2**53
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Entry(NamedTuple):
    """A record before it is sent.

    Attributes:
        key: text of the entity key; None when that could not be read.
        value: of the record.
        event_time_ms: UTC; None when it could not be read.
        problem: why the job will make a dead letter of it; None when it will not.
    """

    key: bytes | None
    value: bytes
    event_time_ms: int | None
    problem: str | None = None


class JsonEntries:
    """Makes entries of JSON, whose bytes stay as they are.

    >>> from udfs.use_cases.fraud import FRAUD
    >>> entry = JsonEntries(FRAUD)(b'{"customer_id": 22, "event_time_ms": "soon"}')
    >>> entry.key, entry.event_time_ms, entry.problem
    (b'22', None, 'Expected `int`, got `str` - at `$.event_time_ms`')
    """

    def __init__(self, use_case: UseCase) -> None:
        names = encoded_names(use_case)
        key, time = names[use_case.entity_key], names[use_case.event_time]
        self._decode = msgspec.json.Decoder(use_case.record_type).decode
        self._key_and_time = attrgetter(use_case.entity_key, use_case.event_time)
        # Any, so that one of the two can be read when the other cannot.
        either = msgspec.defstruct(
            "Either",
            [("key", Any, None), ("time", Any, None)],
            rename={"key": key, "time": time},
        )
        self._decode_either = msgspec.json.Decoder(either).decode

    def __call__(self, value: bytes) -> Entry:
        """The entry of a JSON text, or of bytes that are none."""
        try:
            key, time = self._key_and_time(self._decode(value))
            return Entry(str(key).encode(), value, time)
        except _UNREADABLE as error:
            return self._unreadable(value, str(error))

    def _unreadable(self, value: bytes, problem: str) -> Entry:
        try:
            found: Any = self._decode_either(value)
        except _UNREADABLE:
            return Entry(None, value, None, problem)
        return Entry(key_of(found.key), value, time_of(found.time), problem)


def encoded_names(use_case: UseCase) -> dict[str, str]:
    """The names of the record's fields in JSON, by their names in Python."""
    fields = msgspec.structs.fields(use_case.record_type)
    return {field.name: field.encode_name for field in fields}


def key_of(value: object) -> bytes | None:
    """The record key for an entity key as it was read; None when it is none.

    >>> key_of(22), key_of("ab"), key_of(2.5), key_of(True)
    (b'22', b'ab', None, None)
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return b"%d" % value
    return value.encode() if isinstance(value, str) and value else None


def time_of(value: object) -> int | None:
    """The event time as it was read, UTC milliseconds; None when it is none."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_TIME_MS:
        return value
    return None
