"""Malformed records of many kinds, each with the reason that it must be refused for.

They are made from a good record's bytes, so that only the named fault is wrong with them.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from random import Random

from millrace.sources.records import RawRecord
from udfs.errors import ConfigurationError
from udfs.records import Reason
from udfs.use_cases.contract import UseCase

_HUGE_BYTES = 990_000
_NESTING = 20_000
_AHEAD_MS = 10 * 365 * 86_400_000


@dataclass(frozen=True)
class _Good:
    """A good record and the names of its fields that matter here."""

    key: bytes
    value: bytes
    fields: dict[str, object]
    identity: str
    measure: str
    time: str

    def having(self, name: str, json_text: str) -> bytes:
        """The record as JSON with other text in the place of one field's value."""
        parts = {field: json.dumps(value) for field, value in self.fields.items()}
        parts[name] = json_text
        inner = ",".join(f'"{field}":{text}' for field, text in parts.items())
        return f"{{{inner}}}".encode()

    def without(self, name: str) -> bytes:
        """The record as JSON with one field missing."""
        return json.dumps({k: v for k, v in self.fields.items() if k != name}).encode()


@dataclass(frozen=True)
class Kind:
    """One way to be malformed.

    Attributes:
        name: what is wrong.
        reason: what the dead letter has to say.
        value: the record's bytes, None for Kafka's null.
        key: the record's key; as it was when None.
        every: a round over all kinds holds this one once in so many rounds.
    """

    name: str
    reason: Reason
    value: Callable[[_Good], bytes | None]
    key: Callable[[_Good], bytes | None] | None = None
    every: int = 1


_EMPTY, _NOT_JSON, _SCHEMA = Reason.EMPTY, Reason.NOT_JSON, Reason.SCHEMA

KINDS: tuple[Kind, ...] = (
    Kind("null_value", _EMPTY, lambda good: None),
    Kind("empty_value", _EMPTY, lambda good: b""),
    Kind("white_space", _NOT_JSON, lambda good: b" \n\t "),
    Kind("plain_text", _NOT_JSON, lambda good: b"connection reset by peer"),
    Kind("truncated", _NOT_JSON, lambda good: good.value[: len(good.value) // 2]),
    Kind("invalid_utf8", _NOT_JSON, lambda good: good.value.replace(b"{", b"{\xff\xfe", 1)),
    Kind("utf16", _NOT_JSON, lambda good: good.value.decode().encode("utf-16")),
    Kind("two_records", _NOT_JSON, lambda good: good.value + b"\n" + good.value),
    Kind("trailing_comma", _NOT_JSON, lambda good: good.value[:-1] + b",}"),
    Kind("single_quotes", _NOT_JSON, lambda good: good.value.replace(b'"', b"'")),
    Kind("nan_literal", _NOT_JSON, lambda good: good.having(good.measure, "NaN")),
    Kind("control_character", _NOT_JSON, lambda good: good.having(good.identity, '"\x01"')),
    Kind("nul_byte", _NOT_JSON, lambda good: good.value + b"\x00"),
    Kind("deep_nesting", _NOT_JSON, lambda good: b'{"a":' * _NESTING + b"0" + b"}" * _NESTING),
    Kind("json_null", _SCHEMA, lambda good: b"null"),
    Kind("array", _SCHEMA, lambda good: b"[" + good.value + b"]"),
    Kind("json_in_a_string", _SCHEMA, lambda good: json.dumps(good.value.decode()).encode()),
    Kind("missing_field", _SCHEMA, lambda good: good.without(good.measure)),
    Kind("null_field", _SCHEMA, lambda good: good.having(good.measure, "null")),
    Kind("string_id", _SCHEMA, lambda good: good.having(good.identity, '"TX-17"')),
    Kind("wrong_type", _SCHEMA, lambda good: good.having(good.measure, "true")),
    Kind("fraction", _SCHEMA, lambda good: good.having(good.measure, "12.5")),
    Kind("negative_number", _SCHEMA, lambda good: good.having(good.measure, "-1")),
    Kind("number_overflow", _SCHEMA, lambda good: good.having(good.measure, "9" * 400)),
    Kind(
        "huge",
        _SCHEMA,
        lambda good: good.having(good.identity, f'"{"x" * _HUGE_BYTES}"'),
        every=25,  # a megabyte each: 1 % of a million records would be 400 MB of them
    ),
    Kind(
        "event_time_ahead",
        Reason.EVENT_TIME_AHEAD,
        lambda good: good.having(good.time, str(int(str(good.fields[good.time])) + _AHEAD_MS)),
    ),
    Kind("wrong_key", Reason.KEY_MISMATCH, lambda good: good.value, lambda good: good.key + b"0"),
    Kind("null_key", Reason.KEY_MISMATCH, lambda good: good.value, lambda good: None),
)


class Malformed:
    """Makes malformed records from good ones, of every kind in turn, in an order by seed.

    Attributes:
        counts: how many of each kind were made.
    """

    def __init__(self, use_case: UseCase, share: float, seed: int) -> None:
        if not 0 <= share <= 1:
            raise ConfigurationError(f"the malformed share is between 0 and 1, not {share}")
        self.counts: Counter[str] = Counter()
        self._share = share
        self._random = Random(f"malformed {seed}")
        self._kinds = self._rounds()
        self._identity, self._time = use_case.business_id, use_case.event_time
        measures = [name for name in use_case.columns if name != use_case.event_time]
        self._measure = (measures or [use_case.entity_key])[0]

    def among(self, records: Iterable[RawRecord]) -> Iterator[RawRecord]:
        """The records, a share of them made malformed; as many come out as go in."""
        for record in records:
            spoil = self._share and self._random.random() < self._share
            yield self.of(record, next(self._kinds)) if spoil else record

    def of(self, record: RawRecord, kind: Kind) -> RawRecord:
        """The record made malformed in one way; its timestamp stays."""
        key, value = record.key or b"", record.value or b""
        good = _Good(key, value, json.loads(value), self._identity, self._measure, self._time)
        self.counts[kind.name] += 1
        new_key = record.key if kind.key is None else kind.key(good)
        return RawRecord(new_key, kind.value(good), record.timestamp_ms)

    def _rounds(self) -> Iterator[Kind]:
        number = 0
        while True:
            kinds = [kind for kind in KINDS if number % kind.every == 0]
            self._random.shuffle(kinds)
            yield from kinds
            number += 1
