"""The keyed functions one after the other, as the job connects them, without Flink."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.stores import DictStore
from tests.unit.functions.building import Record, packed, record, record_columns
from tests.unit.functions.test_predict_function import sections
from udfs import metrics
from udfs.features.values import WindowValues
from udfs.functions import feature_function, second_function
from udfs.functions.answers import DEAD_LETTERS, DUPLICATES
from udfs.functions.feature_block import FeatureBlock
from udfs.functions.record_rows import RecordRows
from udfs.functions.rows import KEY, ROWS, TIME, encode_rows
from udfs.functions.rows_function import RowsFunction
from udfs.functions.second_function import SecondFunction
from udfs.records import DeadLetter, Reason
from udfs.use_cases.contract import Duplicates, UseCase
from udfs.use_cases.fraud import FRAUD
from udfs.use_cases.milliseconds import milliseconds


class FakeGroup:
    """A metrics group that counts by name."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def add_group(self, *_: str) -> "FakeGroup":
        """The same group."""
        return self

    def counter(self, name: str) -> "FakeCounter":
        """A counter of this group."""
        return FakeCounter(self.counts, name)


class FakeCounter:
    """Counts into a mapping."""

    def __init__(self, counts: dict[str, int], name: str) -> None:
        self._counts, self._name = counts, name

    def inc(self, by: int = 1) -> None:
        """Adds."""
        self._counts[self._name] = self._counts.get(self._name, 0) + by


class FakeContext:
    """Of one shard, with its state and its metrics."""

    def __init__(self) -> None:
        self.group = FakeGroup()
        self.state = DictStore()

    def get_metrics_group(self) -> FakeGroup:
        """The metrics."""
        return self.group

    def get_map_state(self, _: Any) -> DictStore:
        """The state."""
        return self.state

    def get_current_key(self) -> int:
        """The shard."""
        return 5


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[UseCase], None]:
    """Lets the functions find a use case that is installed nowhere."""

    def found(case: UseCase) -> None:
        for module in (feature_function, second_function):
            monkeypatch.setattr(module, "find_use_case", lambda _: case)

    return found


def through(*records: Record, quiet: dict[int, int] | None = None) -> tuple[FeatureBlock, bytes]:
    """The feature block of records in one block, and the answers beside it."""
    first, second = (
        RowsFunction("fraud", "fraud.raw", 1000, quiet),
        SecondFunction("fraud", True, quiet),
    )
    context, other = FakeContext(), FakeContext()
    first.open(context)
    second.open(other)
    found = list(first.process_element(packed(records), context))
    rows = [block for block in found if _holds_rows(block)]
    (block,) = second.process_element(rows[0], other)
    return block, b"".join(answer for answer in found if not _holds_rows(answer))


def _holds_rows(block: bytes) -> bool:
    return int.from_bytes(block[:4], "little", signed=True) == ROWS


def ids(block: FeatureBlock) -> list[int]:
    return [int(one) for one in block.column("transaction_id")]


def with_policy(policy: Any) -> UseCase:
    return replace(FRAUD, duplicates=Duplicates(policy, timedelta(days=1)))


def test_records_go_through_both_keys_and_dead_letters_pass_beside() -> None:
    block, answers = through(record(1), (b"5", b"{", 0), record(2))
    ((key,), _) = sections(answers)[DEAD_LETTERS]
    assert (ids(block), block.features.shape, key) == ([1, 2], (2, 15), b"5")
    assert block.second is not None
    assert [column.tolist() for column in block.second] == [[7, 7], [1, 2]]


def test_what_came_late_and_what_came_out_of_order_is_counted() -> None:
    first, context = RowsFunction("fraud", "fraud.raw", 1000, None), FakeContext()
    first.open(context)
    newest, lateness_ms = 10_000_000, milliseconds(FRAUD.allowed_lateness)
    times = (newest, newest - lateness_ms - 1, newest - lateness_ms, newest)
    made = [record(n, time=time) for n, time in enumerate(times, 1)]
    list(first.process_element(packed([*made, (b"5", b"{", 0)]), context))
    assert {name: n for name, n in context.group.counts.items() if n} == {
        metrics.RECORDS: 5,
        metrics.DEAD_LETTERS: 1,
        metrics.OUT_OF_ORDER_RECORDS: 2,
        metrics.LATE_RECORDS: 1,
    }


def test_a_duplicate_is_flagged_and_scored_again(use: Callable[[UseCase], None]) -> None:
    use(with_policy("flag"))
    block, answers = through(record(1), record(2), record(1))
    assert (ids(block), answers) == ([1, 2, 1], b"")
    assert block.clean.duplicate is not None
    assert block.clean.duplicate.tolist() == [False, False, True]


def test_a_duplicate_is_dropped_with_its_bytes(use: Callable[[UseCase], None]) -> None:
    use(with_policy("drop"))
    block, answers = through(record(1), record(2), record(1))
    _, (value,) = sections(answers)[DUPLICATES]
    letter = msgspec.json.decode(value, type=DeadLetter)
    assert (ids(block), letter.reason, letter.source_offset) == ([1, 2], Reason.DUPLICATE, 102)
    assert (letter.value, block.folded.sequence.tolist()) == (record(1)[1], [1, 2])


def test_what_lies_before_the_first_offset_is_folded_but_not_written() -> None:
    block, answers = through(record(1), (b"5", b"{", 0), record(2), quiet={3: 102})
    assert (ids(block), answers) == ([2], b"")
    assert block.folded.sequence.tolist() == [2]


def test_changes_of_labels_expire_with_the_events_of_their_records(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the clock of their records' stream: labels of that partition have none."""
    monkeypatch.setattr(second_function, "PATIENCE_EVENTS", 200)
    function, context = SecondFunction("fraud", False), FakeContext()
    function.open(context)
    layout, n = RecordRows(FRAUD), 100
    counts, partitions = np.ones((n, 3), np.int64), np.zeros(n, np.int32)
    for day in range(300):
        times = np.full(n, day * 86_400_000)
        rows = record_columns(partitions, 5, WindowValues(counts, counts), event_time_ms=times)
        change = np.zeros((1, layout.width), np.int64)
        change[0, [TIME, KEY + 1, KEY + 2, KEY + 3]] = times[0], rows.streams[0], times[0], 1
        list(function.process_element(encode_rows(layout.encode(rows)), context))
        list(function.process_element(encode_rows(change), context))
    assert context.group.counts[metrics.LABEL_CHANGES_FOLDED] == 300
    assert len(context.state) < 10
