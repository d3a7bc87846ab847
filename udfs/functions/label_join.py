"""Joins late labels with their records by business id, so that they can go to the second key."""

from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from udfs.features.log import Store
from udfs.features.slowest import PATIENCE_EVENTS, Heard, SlowestStream
from udfs.features.streams import advance
from udfs.functions.known_records import KnownRecords
from udfs.functions.label_store import EarlyLabels
from udfs.functions.rows import LabelChanges
from udfs.functions.told_labels import ToldLabels, Waiting
from udfs.use_cases.feeds import LabelFeed
from udfs.use_cases.milliseconds import milliseconds

Ints = NDArray[np.int64]

_CLOCKS, _HEARD = "clocks", "clocks-heard"
_EXPIRY_STEPS = 64
_NO_CLOCK = -(2**62)


@dataclass
class Joined:
    """What a block led to.

    Attributes:
        changes: labels that change what was known of a record.
        unmatched: labels that cannot be used, each with the reason in words.
        again: labels of records that had one already.
        known_again: records whose business id was known already.
        silent: records that passed the horizon without a label.
    """

    changes: list[LabelChanges] = field(default_factory=list)
    unmatched: list[tuple[Waiting, str]] = field(default_factory=list)
    again: int = 0
    known_again: int = 0
    silent: int = 0


class LabelJoin:
    """The join of one shard of business ids, durable through `store`.

    A record waits for labels, and a label for its record, until the clock is a horizon past its
    event time. The clock is that of the slowest stream (`SlowestStream`) before the block: of
    records their newest event time, of labels the newest time at which one became known. So while
    a job catches up, neither records of one stream nor labels that lag behind the records find
    that what they are for has expired; and a topic of labels that falls silent holds no state.
    Where there is a watermark it is the clock.

    Args:
        feed: what the use case says about its labels.
        store: the shard's durable state.
        patience: how many events streams may be apart, see `SlowestStream`.
    """

    def __init__(self, feed: LabelFeed, store: Store, patience: int = PATIENCE_EVENTS) -> None:
        self._horizon_ms = milliseconds(feed.horizon)
        self._first_holds = feed.again == "first"
        self._store = store
        entries = dict(store.items())
        self._records = KnownRecords(store, entries)
        self._early = EarlyLabels(store, entries)
        stored = entries.get(_CLOCKS)
        self._clocks = msgspec.json.decode(stored, type=dict[int, int]) if stored else {}
        heard = entries.get(_HEARD)
        self._heard = msgspec.json.decode(heard, type=Heard) if heard else Heard()
        self._slowest = SlowestStream(self._heard, patience)
        self._watermark_ms: int | None = None
        self._expired_ms = self._floor_ms

    @property
    def waiting(self) -> int:
        """How many labels wait for their records."""
        return len(self._early)

    def give_up_ms(self) -> int | None:
        """When the first waiting label will be given up; None when none waits."""
        oldest = self._early.oldest_ms
        return None if oldest is None else oldest + self._horizon_ms

    def advance(self, watermark_ms: int) -> None:
        """Goes by the watermark from now on, for a stream that is in order or at its end."""
        self._watermark_ms = watermark_ms

    def records(self, ids: Ints, second: Ints, times: Ints, streams: Ints) -> Joined:
        """Takes records (n,): ids, second keys, event times, and the streams they came in."""
        joined = Joined()
        joined.known_again = self._records.add(ids, second, times, streams, self._floor_ms)
        for told in self._early.take(ids):
            self._apply(told, joined)
        self._tick(times, streams)
        self._expire(joined)
        return joined

    def labels(self, labels: ToldLabels) -> Joined:
        """Takes labels in order of arrival."""
        joined = Joined()
        self._apply(labels, joined)
        self._tick(labels.known_ms, _label_streams(labels.raw.partitions))
        return joined

    def expire(self) -> Joined:
        """Gives up what the clock has passed, also where no record comes any more."""
        joined = Joined()
        self._expire(joined, at_once=True)
        return joined

    @property
    def _floor_ms(self) -> int:
        if self._watermark_ms is not None:
            return self._watermark_ms - self._horizon_ms
        clock_ms = self._slowest.clock_ms(self._clocks)
        return (_NO_CLOCK if clock_ms is None else clock_ms) - self._horizon_ms

    def _tick(self, times: Ints, streams: Ints) -> None:
        advance(self._clocks, streams, times)
        self._slowest.hear(streams.astype(np.int32))
        self._store.put(_CLOCKS, msgspec.json.encode(self._clocks))
        self._store.put(_HEARD, msgspec.json.encode(self._heard))

    def _apply(self, told: ToldLabels, joined: Joined) -> None:
        """Applies labels whose records are known; the others wait."""
        at = self._records.find(told.ids, self._floor_ms)
        self._early.add(told.at(np.flatnonzero(at < 0)))
        known = at >= 0
        behind_ms = told.known_ms - self._records.time[at]
        for place in np.flatnonzero(known & (behind_ms > self._horizon_ms)).tolist():
            text = (
                f"it came {behind_ms[place]} ms after its record, the horizon is "
                f"{self._horizon_ms} ms"
            )
            joined.unmatched.append((told.waiting(place), text))
        places = np.flatnonzero(known & (behind_ms <= self._horizon_ms))
        if len(places):
            self._use(told, places, at[places], joined)

    def _use(self, told: ToldLabels, places: Ints, at: Ints, joined: Joined) -> None:
        """Applies the labels at these places, of known records, and notes the changes."""
        records, values = self._records, told.labels[places]
        before, again = records.label[at], records.labelled[at]
        if again.any() or len(np.unique(at)) < len(at):
            before, again = self._one_by_one(at, values)
        joined.again += int(again.sum())
        holds = ~again if self._first_holds else np.ones(len(at), np.bool_)
        records.set_labels(told.ids[places[holds]], at[holds], values[holds])
        changes = np.where(holds, values - before, 0)
        chosen = np.flatnonzero(changes)
        if len(chosen):
            changed = self._changes(told, places[chosen], at[chosen], changes[chosen])
            joined.changes.append(changed)

    def _one_by_one(self, at: Ints, values: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """The label that held before each, and whether there was one, where some come again."""
        held: dict[int, int] = {}
        before, again = np.empty(len(at), np.int64), np.empty(len(at), np.bool_)
        for place, (record, value) in enumerate(zip(at.tolist(), values.tolist(), strict=True)):
            again[place] = record in held or self._records.labelled[record]
            before[place] = held.get(record, int(self._records.label[record]))
            if not (again[place] and self._first_holds):
                held[record] = value
        return before, again

    def _changes(self, told: ToldLabels, places: Ints, at: Ints, changes: Ints) -> LabelChanges:
        records = self._records
        return LabelChanges(
            known_ms=told.known_ms[places],
            partition=told.raw.partitions[places].astype(np.int64),
            offset=told.raw.offsets[places],
            second_key=records.second[at],
            event_time_ms=records.time[at],
            record_stream=records.stream[at],
            change=changes,
            business_id=told.ids[places],
        )

    def _expire(self, joined: Joined, *, at_once: bool = False) -> None:
        floor_ms = self._floor_ms
        if not at_once and floor_ms - self._expired_ms < self._horizon_ms // _EXPIRY_STEPS:
            return
        self._expired_ms = floor_ms
        joined.silent += self._records.expire(floor_ms, at_once=at_once)
        text = f"no record of this id came within the horizon of {self._horizon_ms} ms"
        joined.unmatched += [(label, text) for label in self._early.expire(floor_ms)]


def _label_streams(partitions: NDArray[np.int32]) -> Ints:
    """Streams of labels by their partitions, (n,), apart from those of records: `stream_of`."""
    found: Ints = -1 - partitions.astype(np.int64)
    return found


def joined_changes(changes: list[LabelChanges], width: int) -> NDArray[np.int64]:
    """All changes as rows (n, width)."""
    rows = [np.empty((0, width), np.int64), *(some.cells(width) for some in changes)]
    return np.concatenate(rows)
