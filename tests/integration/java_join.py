"""The join of labels in the JVM, called over the gateway that PyFlink's jobs have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np
from pyflink.java_gateway import get_gateway

from jobs.stages.labels import join_settings, label_letters
from udfs.features.slowest import PATIENCE_EVENTS
from udfs.functions.answers import DEAD_LETTERS
from udfs.functions.blocks import RawBlock
from udfs.functions.clean import CleanBlock
from udfs.functions.rows import LabelChanges, decode_rows, encode_rows
from udfs.functions.slices import Slices
from udfs.functions.told_labels import encode_labels
from udfs.records import DeadLetter
from udfs.use_cases.feeds import LabelFeed
from udfs.use_cases.label_records import LABEL_FIELD, LABEL_TIME

TERMINAL = 77
WIDTH = 12
TOPIC = "fraud.labels"
SECTION_BYTES = 20
STREAM_BIT = 8

Store = dict[str, bytes]


class Label(NamedTuple):
    """A label as it comes."""

    business_id: int
    value: int
    known_ms: int


@dataclass(frozen=True)
class Joined:
    """What a block led to."""

    changes: list[tuple[int, int, int]]
    unmatched: list[DeadLetter]
    again: int
    known_again: int
    silent: int


class LabelJoin:
    """The join of one shard, whose state is in a dictionary."""

    def __init__(
        self,
        feed: LabelFeed,
        store: Store,
        patience: int = PATIENCE_EVENTS,
        quiet: Mapping[int, int] | None = None,
    ) -> None:
        java = get_gateway().jvm
        entries = java.java.util.HashMap()
        for name, value in store.items():
            entries.put(name, value)
        self._store = store
        settings = join_settings("fraud", feed, WIDTH, patience)
        self._join = java.millrace.flink.LabelJoin(settings, entries)
        self._letters = label_letters(TOPIC, quiet or {})

    @property
    def waiting(self) -> int:
        """How many labels wait."""
        return int(self._join.waiting())

    def advance(self, watermark_ms: int) -> None:
        """Goes by a watermark."""
        self._join.advance(watermark_ms)

    def records(self, ids: Any, second: Any, times: Any, streams: Any) -> Joined:
        """Takes records."""
        sources = streams << STREAM_BIT
        self._join.records(encode_rows(np.column_stack([ids, second, times, sources])))
        return self._joined()

    def labels(self, labels: Sequence[Label], partition: int = 0) -> Joined:
        """Takes labels in order of arrival."""
        self._join.labels(encode_labels(clean(labels, partition), "id"))
        return self._joined()

    def expire(self) -> Joined:
        """Gives up what the clock has passed."""
        self._join.expire()
        return self._joined()

    def _joined(self) -> Joined:
        for name, value in dict(self._join.writes()).items():
            if value is None:
                self._store.pop(name, None)
            else:
                self._store[name] = value
        return Joined(
            changes_in(self._join.changes()),
            letters_in(self._letters.answer(self._join.unmatched())),
            self._join.again(),
            self._join.knownAgain(),
            self._join.silent(),
        )


def clean(labels: Sequence[Label], partition: int) -> CleanBlock:
    columns = np.array(labels, np.int64).reshape(-1, 3).T
    n, known_ms = len(labels), columns[2]
    raw = RawBlock(
        known_ms,
        known_ms,
        np.full(n, partition, np.int32),
        Slices.of([b"key"] * n),
        Slices.of(b'value "%d"' % label.business_id for label in labels),
    )
    named = dict(zip(("id", LABEL_FIELD, LABEL_TIME), columns, strict=True))
    return CleanBlock(raw, np.arange(n), named, [])


def changes_in(block: bytes | None) -> list[tuple[int, int, int]]:
    """Business id, change and event time of the record of each change."""
    if block is None:
        return []
    rows = decode_rows(block)
    told = LabelChanges.of(rows)
    assert (rows.shape[1], set(told.second_key.tolist())) == (WIDTH, {TERMINAL})
    assert (told.known_ms == told.offset).all()
    columns = (told.business_id, told.change, told.event_time_ms)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def letters_in(answer: bytes | None) -> list[DeadLetter]:
    if answer is None:
        return []
    topic, _, count, key_bytes, _ = np.frombuffer(answer, "<i4", 5).tolist()
    lines = answer[SECTION_BYTES + 4 * count + key_bytes :].splitlines()
    assert (topic, len(lines)) == (DEAD_LETTERS, count)
    return [msgspec.json.decode(line, type=DeadLetter) for line in lines]
