"""Skew of rows over a second entity key in order of arrival, however the streams came."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from jobs.score import ON_ARRIVAL
from millrace.kafka.readers import Offsets, Record
from millrace.skew.comparison import How, skew
from millrace.skew.replay import shards_of
from tests.stores import DictStore
from udfs.features.delayed import LABEL
from udfs.features.shard import Folded, ShardFolds
from udfs.features.slowest import PATIENCE_EVENTS
from udfs.features.values import WindowValues
from udfs.records import FeatureRow, LabelChange
from udfs.use_cases.fraud import DAY_MS, FRAUD, HOUR_MS, Transaction

RECORDS, SHARDS, PARTITIONS = 1500, 4, 2
START_MS = 1_700_000_000_000
TYPES = {LABEL: np.dtype(np.int64)}

Ints = NDArray[np.int64]


class Written:
    """Stages with what a job read and wrote."""

    def __init__(self, stages: Mapping[str, list[tuple[int, int, Any]]]) -> None:
        self._stages = stages

    def read(
        self, stage: str, start: Offsets | None = None, end: Offsets | None = None
    ) -> Iterator[Record]:
        """Records of a stage."""
        for partition, offset, value in self._stages[stage]:
            yield Record(stage, partition, offset, 0, None, msgspec.json.encode(value))

    def first(self, stage: str) -> dict[int, int]:
        """Not asked for."""
        raise NotImplementedError

    def end(self, stage: str) -> dict[int, int]:
        """Not asked for."""
        raise NotImplementedError

    def at(self, stage: str, time_ms: int) -> dict[int, int]:
        """Not asked for."""
        raise NotImplementedError


class Topic:
    """Transactions of months, some of them late; a place in their topic each."""

    def __init__(self) -> None:
        draw = np.random.default_rng(5)
        number = np.arange(RECORDS)
        self.time = START_MS + number * 2 * HOUR_MS - draw.integers(0, 2 * DAY_MS, RECORDS)
        self.customer = draw.integers(0, 40, RECORDS)
        self.terminal = draw.integers(0, 30, RECORDS)
        self.cents = draw.integers(1, 30_000, RECORDS)
        self.partition = self.customer % PARTITIONS
        self.offset = np.empty(RECORDS, np.int64)
        for partition in range(PARTITIONS):
            here = self.partition == partition
            self.offset[here] = np.arange(here.sum())
        self.shard = shards_of(self.customer, SHARDS)
        self.stream = (self.partition * SHARDS + self.shard).astype(np.int32)
        self.second_shard = shards_of(self.terminal, SHARDS)

    def columns(self, at: Ints) -> dict[str, Ints]:
        """Columns of the transactions at these places."""
        return {
            "customer_id": self.customer[at],
            "terminal_id": self.terminal[at],
            "amount_cents": self.cents[at],
            "event_time_ms": self.time[at],
        }

    def place(self, event: int) -> tuple[int, int]:
        """Source partition and offset."""
        return int(self.partition[event]), int(self.offset[event])

    def transaction(self, event: int) -> Transaction:
        """The raw record."""
        columns = (self.customer, self.terminal, self.cents, self.time)
        return Transaction(event, *(int(column[event]) for column in columns))

    def order(self, how: str) -> Ints:
        """Events in the order in which they arrive: records, and n + record for its label."""
        number = np.arange(RECORDS)
        behind = {
            "in order of the topic": number,
            "one stream after the other": self.stream * RECORDS + number,
            "one shard is months behind": number + RECORDS * (self.shard == 3),
            "blocks of months": (number // 300 + 2 * self.stream) * RECORDS + number,
        }[how]
        labelled = number[::3]
        rank = np.concatenate([behind, behind[labelled] + 95])
        events: Ints = np.concatenate([number, RECORDS + labelled])
        return events[np.argsort(rank, kind="stable")]


class First(NamedTuple):
    """What the first stage gives for all transactions."""

    sequence: Ints
    late: NDArray[np.bool_]
    counts: Ints
    totals: Ints


def first_stage(topic: Topic) -> First:
    found = First(
        np.empty(RECORDS, np.int64),
        np.empty(RECORDS, np.bool_),
        np.empty((RECORDS, 3), np.int64),
        np.empty((RECORDS, 3), np.int64),
    )
    for shard in range(SHARDS):
        at = np.flatnonzero(topic.shard == shard)
        folds = ShardFolds(FRAUD.spec, FRAUD.column_types, FRAUD.event_time, HOUR_MS, DictStore())
        folded = folds.update(topic.columns(at), topic.partition[at].astype(np.int32))
        window = folded.windows["customer"]
        parts = (folded.sequence, folded.late, window.count, window.total)
        for column, part in zip(found, parts, strict=True):
            column[at] = part
    return found


def job(topic: Topic, order: Ints, patience: int | None) -> Written:
    """What the score job writes for these arrivals; its two stages of folds, without Flink."""
    first, rows, changes = first_stage(topic), list[FeatureRow](), list[LabelChange]()
    for shard in range(SHARDS):
        events = order[topic.second_shard[order % RECORDS] == shard]
        store = DictStore()
        for start in range(0, len(events), 25):
            block = events[start : start + 25]
            folded = fold_second(topic, block, store, patience)
            changes += told(topic, block, folded)
            rows += feature_rows(topic, block, first, folded)
    return Written(
        {
            "raw": [(*topic.place(i), topic.transaction(i)) for i in range(RECORDS)],
            "features": [(0, offset, row) for offset, row in enumerate(rows)],
            "label-changes": [(0, offset, change) for offset, change in enumerate(changes)],
        }
    )


def fold_second(topic: Topic, block: Ints, store: DictStore, patience: int | None) -> Folded:
    """Folds a block in a worker that starts anew with it, from the log."""
    spec, at, is_label = FRAUD.spec, block % RECORDS, block >= RECORDS
    folds = ShardFolds(spec, TYPES, "time", HOUR_MS, store, folds=spec.second, patience=patience)
    columns = {
        "terminal_id": topic.terminal[at],
        "time": topic.time[at],
        LABEL: is_label.astype(np.int64),
    }
    return folds.update(columns, topic.stream[at], ticks=~is_label)


def told(topic: Topic, block: Ints, folded: Folded) -> list[LabelChange]:
    return [
        LabelChange(
            business_id=event,
            second_key=int(topic.terminal[event]),
            event_time_ms=int(topic.time[event]),
            second_sequence=sequence,
            change=1,
            known_time_ms=int(topic.time[event]),
            feature_spec_hash=FRAUD.spec.hash,
            source_partition=0,
            source_offset=event,
        )
        for event, sequence in zip(
            (block - RECORDS).tolist(), folded.sequence.tolist(), strict=True
        )
        if event >= 0
    ]


def feature_rows(topic: Topic, block: Ints, first: First, folded: Folded) -> list[FeatureRow]:
    at = block % RECORDS
    customer = WindowValues(first.counts[at], first.totals[at])
    windows = {"customer": customer, "terminal": folded.windows["terminal"]}
    features = FRAUD.assemble(topic.columns(at), windows)
    return [
        FeatureRow(
            business_id=event,
            entity_key=int(topic.customer[event]),
            event_time_ms=int(topic.time[event]),
            sequence=int(first.sequence[event]),
            late=bool(first.late[event]),
            features=features[place].tolist(),
            feature_spec_hash=FRAUD.spec.hash,
            source_partition=topic.place(event)[0],
            source_offset=topic.place(event)[1],
            second_key=int(topic.terminal[event]),
            second_sequence=int(folded.sequence[place]),
        )
        for place, event in enumerate(block.tolist())
        if event < RECORDS
    ]


HOW = How(sample=RECORDS, seed=1, shards=SHARDS, order=ON_ARRIVAL)


@pytest.mark.parametrize(
    "how",
    [
        "in order of the topic",
        "one stream after the other",
        "one shard is months behind",
        "blocks of months",
    ],
)
def test_rows_are_computed_again_bit_for_bit(how: str) -> None:
    topic = Topic()
    found = skew(job(topic, topic.order(how), PATIENCE_EVENTS), FRAUD, HOW)
    assert (found.differences, found.equal) == ([], found.compared)
    # Where streams are far apart, a terminal counts from 1 again and its order is not certain.
    assert found.compared > RECORDS // 2


def test_rows_of_a_job_that_lost_events_are_found() -> None:
    """So rows that expired too early, as those of a shard heard late did, are told."""
    topic = Topic()
    found = skew(job(topic, topic.order("one shard is months behind"), None), FRAUD, HOW)
    assert 0 < found.equal < found.compared
