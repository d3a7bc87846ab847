"""Labels find their records by id, whichever comes first, and survive a restart."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jobs.environment import environment
from jobs.targets import TARGETS
from millrace.stack.jars import ensure_flink_jars
from tests.integration.java_join import TERMINAL, TOPIC, Joined, Label, LabelJoin, Store
from udfs.records import LABELS_STAGE, DeadLetter, Reason
from udfs.use_cases.feeds import LabelFeed
from udfs.use_cases.fraud_records import FraudLabel

HORIZON_MS = 1_000


@pytest.fixture(scope="module", autouse=True)
def _classes(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder: Path = tmp_path_factory.mktemp("join")
    environment(
        "join",
        parallelism=1,
        target=TARGETS["balanced"],
        checkpoint_dir=folder.as_uri(),
        state_backend="hashmap",
        jars=ensure_flink_jars(),
    )


def feed(**changes: Any) -> LabelFeed:
    horizon = timedelta(milliseconds=HORIZON_MS)
    return LabelFeed(FraudLabel, entity_key="terminal_id", horizon=horizon, **changes)


def records(join: LabelJoin, *ids_and_times: tuple[int, int], partition: int = 0) -> Joined:
    ids, times = np.array(ids_and_times, np.int64).reshape(-1, 2).T
    same = np.full(len(ids), TERMINAL, np.int64)
    return join.records(ids, same, times, np.full(len(ids), partition, np.int64))


def test_a_label_after_its_record_goes_on_at_once() -> None:
    join = LabelJoin(feed(), {})
    records(join, (1, 100), (2, 110))
    assert join.labels([Label(2, 1, 200)]).changes == [(2, 1, 110)]


def test_a_label_before_its_record_waits_for_it() -> None:
    join = LabelJoin(feed(), {})
    assert join.labels([Label(2, 1, 200)]).changes == []
    assert records(join, (1, 100), (2, 110)).changes == [(2, 1, 110)]


def test_a_negative_label_changes_nothing() -> None:
    join = LabelJoin(feed(), {})
    records(join, (1, 100))
    assert join.labels([Label(1, 0, 200)]).changes == []


@pytest.mark.parametrize(
    ("again", "expected"),
    [("last", [(1, 1, 100), (1, -1, 100)]), ("first", [(1, 1, 100)])],
)
@pytest.mark.parametrize("apart", [False, True], ids=["in one block", "in two blocks"])
def test_a_second_label_follows_the_declared_policy(
    again: str, expected: list[tuple[int, int, int]], apart: bool
) -> None:
    join = LabelJoin(feed(again=again), {})
    records(join, (1, 100))
    both = [Label(1, 1, 200), Label(1, 0, 300)]
    blocks = [[one] for one in both] if apart else [both]
    found = [join.labels(block) for block in blocks]
    assert [one for joined in found for one in joined.changes] == expected
    assert sum(joined.again for joined in found) == 1


def test_a_label_beyond_the_horizon_is_unmatched() -> None:
    join = LabelJoin(feed(), {})
    records(join, (1, 100))
    (refused,) = join.labels([Label(1, 1, 1000), Label(1, 1, 1101)]).unmatched
    assert refused == DeadLetter(
        reason=Reason.LABEL_UNMATCHED,
        stage=LABELS_STAGE,
        detail="it came 1001 ms after its record, the horizon is 1000 ms",
        source_topic=TOPIC,
        source_partition=0,
        source_offset=1101,
        kafka_timestamp_ms=1101,
        key=b"key",
        value=b'value "1"',
    )


def test_a_label_without_a_record_is_given_up_after_the_horizon() -> None:
    join = LabelJoin(feed(), {}, patience=1)
    join.labels([Label(9, 1, 200)])
    assert records(join, (1, 200 + HORIZON_MS - 1)).unmatched == []
    given_up = records(join, (2, 300 + HORIZON_MS)).unmatched
    assert [letter.value for letter in given_up] == [b'value "9"']
    assert join.waiting == 0


def test_one_partition_ahead_gives_up_nothing_of_another() -> None:
    join = LabelJoin(feed(), {})
    records(join, (1, 100), partition=0)
    records(join, (2, 10 * HORIZON_MS), partition=1)
    assert join.labels([Label(1, 1, 200)]).changes == [(1, 1, 100)]


def test_labels_that_lag_behind_the_records_find_them() -> None:
    join = LabelJoin(feed(), {}, patience=4)
    for number in range(50):
        records(join, (number, number * HORIZON_MS))
        lagging = number // 5
        told = join.labels([Label(lagging, 1, lagging * HORIZON_MS + 500)])
        expected = [(lagging, 1, lagging * HORIZON_MS)] if number % 5 == 0 else []
        assert (told.changes, told.unmatched) == (expected, [])


def test_a_topic_of_labels_that_falls_silent_holds_no_record() -> None:
    store: Store = {}
    join = LabelJoin(feed(), store, patience=20)
    records(join, (0, 100))
    join.labels([Label(0, 0, 200)])
    silent = sum(records(join, (i, i * HORIZON_MS)).silent for i in range(1, 100))
    assert (silent > 60, len(store) < 60) == (True, True)


def test_a_partition_that_falls_silent_holds_no_record() -> None:
    join = LabelJoin(feed(), {}, patience=20)
    records(join, (0, 100), partition=1)
    silent = sum(records(join, (i, i * HORIZON_MS)).silent for i in range(1, 100))
    assert silent > 60


def test_a_record_in_a_long_block_finds_the_label_that_waits_for_it() -> None:
    join = LabelJoin(feed(), {})
    join.labels([Label(1, 1, 200)])
    assert records(join, (1, 100), (2, 10 * HORIZON_MS)).changes == [(1, 1, 100)]


def test_the_first_record_of_an_id_keeps_it() -> None:
    join = LabelJoin(feed(), {})
    assert records(join, (1, 100), (1, 120)).known_again == 1
    assert join.labels([Label(1, 1, 200)]).changes == [(1, 1, 100)]


def test_a_label_that_waits_beside_its_record_finds_it_when_the_record_comes_again() -> None:
    """The record had expired; the label itself took the clock back behind it."""
    join = LabelJoin(feed(), {}, patience=2)
    records(join, (1, 100))
    records(join, (2, 2000), (3, 2001))
    assert join.labels([Label(1, 1, 900)]).changes == []
    found = records(join, (1, 100), (1, 100))
    assert (found.known_again, found.changes, join.waiting) == (2, [(1, 1, 100)], 0)


def test_records_that_stay_without_a_label_are_counted() -> None:
    join = LabelJoin(feed(), {}, patience=1)
    records(join, (1, 100), (2, 110))
    join.labels([Label(1, 0, 150)])
    assert records(join, (3, 200 + HORIZON_MS)).silent == 0
    assert records(join, (4, 200 + HORIZON_MS)).silent == 1


@pytest.mark.parametrize("block", [3, 30], ids=["few at once", "in blocks"])
def test_each_record_without_a_label_is_counted_once(block: int) -> None:
    """Also one whose id comes again when the first has expired; a clock goes back for a while."""
    draw = np.random.default_rng(block)
    join = LabelJoin(feed(), {}, patience=100)
    all_joined: list[Joined] = []
    taken = told = 0
    for start in range(0, 15 * HORIZON_MS, 10 * block):
        ids = draw.permutation(400)[:block].tolist()
        late_ms = HORIZON_MS // 2 if start // HORIZON_MS % 7 == 3 else 0
        joined = records(
            join, *((one, start) for one in ids), (1000, start - late_ms), partition=late_ms > 0
        )
        taken += block + 1 - joined.known_again
        told += len(ids[::9])
        all_joined += [joined, join.labels([Label(one, 1, start) for one in ids[::9]])]
    join.advance(2**62)
    all_joined.append(join.expire())
    labelled = told - sum(x.again + len(x.unmatched) for x in all_joined)
    assert sum(x.silent for x in all_joined) == taken - labelled


def test_the_end_of_the_stream_counts_what_stays_without_a_label() -> None:
    join = LabelJoin(feed(), {})
    records(join, *((one, 100) for one in range(50)))
    records(join, (50, 100))
    join.advance(100 + HORIZON_MS)
    assert (join.expire().silent, join.expire().silent) == (51, 0)


def test_the_end_of_the_stream_gives_up_what_waits() -> None:
    join = LabelJoin(feed(), {})
    join.labels([Label(9, 1, 200), Label(8, 1, 2**63 - 1)])
    join.advance(2**63 - 1)
    assert [letter.value for letter in join.expire().unmatched] == [b'value "9"', b'value "8"']
    assert join.waiting == 0


def test_letters_before_the_first_loud_offset_of_their_partition_are_not_written() -> None:
    join = LabelJoin(feed(), {}, quiet={3: 250})
    join.labels([Label(9, 1, 200), Label(8, 1, 300)], partition=3)
    join.labels([Label(7, 1, 200)], partition=4)
    join.advance(2**63 - 1)
    found = [(letter.source_partition, letter.source_offset) for letter in join.expire().unmatched]
    assert found == [(3, 300), (4, 200)]


@pytest.mark.parametrize("cut", range(6))
def test_a_restored_join_goes_on_as_the_one_that_never_stopped(cut: int) -> None:
    steps: list[Callable[[LabelJoin], Joined]] = [
        lambda join: join.labels([Label(2, 1, 150), Label(5, 1, 160), Label(8, 1, 170)]),
        lambda join: records(join, (1, 100), (2, 110)),
        lambda join: join.labels([Label(1, 1, 200), Label(1, 1, 201)]),
        lambda join: records(join, (3, 400), (5, 140)),
        lambda join: join.labels([Label(3, 1, 500), Label(1, 0, 600), Label(2, 0, 610)]),
        lambda join: records(join, (4, 300 + HORIZON_MS)),
    ]
    store: Store = {}
    join = LabelJoin(feed(), store, patience=1)
    whole_join = LabelJoin(feed(), {}, patience=1)
    found: list[Any] = []
    whole: list[Any] = []
    for number, step in enumerate(steps):
        if number == cut:
            join = LabelJoin(feed(), store, patience=1)
        for one, results in ((join, found), (whole_join, whole)):
            joined = step(one)
            results.append((joined.changes, joined.again, joined.unmatched))
    assert found == whole


def test_state_of_the_past_is_dropped() -> None:
    store: Store = {}
    join = LabelJoin(feed(), store, patience=500)
    for start in range(0, 100 * HORIZON_MS, HORIZON_MS):
        records(join, *((start + i, start + i) for i in range(HORIZON_MS)))
        join.labels([Label(start + i, 1, start + i) for i in range(0, HORIZON_MS, 9)])
    assert len(store) < 10


@pytest.mark.parametrize("again", ["first", "last"])
@pytest.mark.parametrize("restart", [1, 5, 1000], ids=["always", "at times", "never"])
def test_labels_find_their_records_whatever_comes_first_and_how_often(
    again: str, restart: int
) -> None:
    """Against what the policy says of all labels of a record in their order of arrival."""
    draw = np.random.default_rng(restart)
    store: Store = {}
    join = LabelJoin(feed(again=again), store)
    held: dict[int, int] = {}
    told: dict[int, list[int]] = {}
    for step in range(60):
        if step % restart == 0:
            join = LabelJoin(feed(again=again), store)
        ids = draw.integers(0, 3_000, 90).tolist()
        if step % 2:
            joined = records(join, *((one, 100) for one in ids))
        else:
            values = draw.integers(0, 2, len(ids)).tolist()
            joined = join.labels([Label(i, v, 200) for i, v in zip(ids, values, strict=True)])
            for one, value in zip(ids, values, strict=True):
                told.setdefault(one, []).append(value)
        for one, change, _ in joined.changes:
            held[one] = held.get(one, 0) + change
    waiting = join.waiting
    joined = records(join, *((one, 100) for one in range(3_000)))
    for one, change, _ in joined.changes:
        held[one] = held.get(one, 0) + change
    expected = {one: values[0 if again == "first" else -1] for one, values in told.items()}
    assert {one: held.get(one, 0) for one in told} == expected
    assert (waiting > 0, join.waiting) == (True, 0)
    assert not any(name.startswith(("early/", "taken/")) for name in store)
