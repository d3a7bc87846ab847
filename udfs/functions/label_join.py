"""Joins late labels with their records by business id, so that they can go to the second key."""

from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from udfs.features.log import Store
from udfs.functions.known_records import KnownRecords
from udfs.functions.label_store import EarlyLabels, Waiting
from udfs.functions.rows import LabelChanges
from udfs.use_cases.feeds import LabelFeed
from udfs.use_cases.milliseconds import milliseconds

Ints = NDArray[np.int64]

_CLOCKS = "clocks"
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
    event time. The clock is the oldest of the streams' newest event times before the block, so
    no stream is ahead of another's records; or the watermark, where there is one.

    Args:
        feed: what the use case says about its labels.
        store: the shard's durable state.
    """

    def __init__(self, feed: LabelFeed, store: Store) -> None:
        self._horizon_ms = milliseconds(feed.horizon)
        self._first_holds = feed.again == "first"
        self._store = store
        entries = dict(store.items())
        self._records = KnownRecords(store, entries)
        self._early = EarlyLabels(store, entries)
        stored = entries.get(_CLOCKS)
        self._clocks = msgspec.json.decode(stored, type=dict[int, int]) if stored else {}
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
        early = self._early.take(ids.tolist())
        if early:
            self._apply(early, joined)
        self._tick(times, streams)
        self._expire(joined)
        return joined

    def labels(self, labels: list[Waiting]) -> Joined:
        """Takes labels in order of arrival."""
        joined = Joined()
        self._apply(labels, joined)
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
        return min(self._clocks.values(), default=_NO_CLOCK) - self._horizon_ms

    def _tick(self, times: Ints, streams: Ints) -> None:
        for stream in np.unique(streams).tolist():
            newest = int(times[streams == stream].max())
            self._clocks[stream] = max(newest, self._clocks.get(stream, newest))
        self._store.put(_CLOCKS, msgspec.json.encode(self._clocks))

    def _apply(self, labels: list[Waiting], joined: Joined) -> None:
        """Applies labels whose records are known; the others wait."""
        at = self._records.find((label.business_id for label in labels), self._floor_ms)
        known = np.flatnonzero(at >= 0)
        self._early.add([labels[place] for place in np.flatnonzero(at < 0).tolist()])
        if not len(known):
            return
        found, at = [labels[place] for place in known.tolist()], at[known]
        known_ms = np.array([label.known_ms for label in found], np.int64)
        in_time = known_ms <= self._records.time[at] + self._horizon_ms
        for place in np.flatnonzero(~in_time).tolist():
            behind_ms = int(known_ms[place] - self._records.time[at[place]])
            text = f"it came {behind_ms} ms after its record, the horizon is {self._horizon_ms} ms"
            joined.unmatched.append((found[place], text))
        self._use([found[i] for i in np.flatnonzero(in_time).tolist()], at[in_time], joined)

    def _use(self, labels: list[Waiting], at: Ints, joined: Joined) -> None:
        """Applies labels (n,) in time, of the records at these places, and notes the changes."""
        records = self._records
        values = np.array([label.label for label in labels], np.int64)
        before = records.label[at]
        again = records.labelled[at]
        if again.any() or len(np.unique(at)) < len(at):
            before, again = self._one_by_one(at, values)
        joined.again += int(again.sum())
        holds = ~again if self._first_holds else np.ones(len(at), np.bool_)
        ids = np.array([label.business_id for label in labels], np.int64)
        records.set_labels(ids[holds], at[holds], values[holds])
        changes = np.where(holds, values - before, 0)
        chosen = np.flatnonzero(changes)
        if len(chosen):
            some = [labels[place] for place in chosen.tolist()]
            joined.changes.append(self._changes(some, at[chosen], changes[chosen]))

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

    def _changes(self, labels: list[Waiting], at: Ints, changes: Ints) -> LabelChanges:
        rows = [(w.known_ms, w.partition, w.offset, w.business_id) for w in labels]
        known_ms, partition, offset, ids = np.array(rows, np.int64).T
        records = self._records
        return LabelChanges(
            known_ms=known_ms,
            partition=partition,
            offset=offset,
            second_key=records.second[at],
            event_time_ms=records.time[at],
            record_stream=records.stream[at],
            change=changes,
            business_id=ids,
        )

    def _expire(self, joined: Joined, *, at_once: bool = False) -> None:
        floor_ms = self._floor_ms
        if not at_once and floor_ms - self._expired_ms < self._horizon_ms // _EXPIRY_STEPS:
            return
        self._expired_ms = floor_ms
        joined.silent += self._records.expire(floor_ms)
        text = f"no record of this id came within the horizon of {self._horizon_ms} ms"
        joined.unmatched += [(label, text) for label in self._early.expire(floor_ms)]


def joined_changes(changes: list[LabelChanges], width: int) -> NDArray[np.int64]:
    """All changes as rows (n, width)."""
    rows = [np.empty((0, width), np.int64), *(some.cells(width) for some in changes)]
    return np.concatenate(rows)
