"""Orders from sequence numbers, clocks and shards, compared with slow forms of the same."""

import numpy as np
import pytest

from millrace.skew.replay import Events, replay, running_max, shards_of

KEEP_MS = 1_000


def events(
    keys: list[int],
    times: list[int],
    sequences: list[int],
) -> Events:
    columns = (keys, times, sequences, times)
    return Events(*(np.array(column, dtype=np.int64) for column in columns))


def test_events_come_in_the_order_of_their_sequence_key_by_key() -> None:
    draw = np.random.default_rng(3)
    keys, sequences = np.repeat(np.arange(20), 30), np.tile(np.arange(1, 31), 20)
    times = sequences * 10 + draw.integers(-50, 50, len(keys))  # out of order in time
    mixed = draw.permutation(len(keys))
    given = events(keys[mixed].tolist(), times[mixed].tolist(), sequences[mixed].tolist())
    found = replay(given, KEEP_MS, one_clock=True)
    assert found.complete.all()
    assert given.key[found.order].tolist() == keys.tolist()
    assert given.sequence[found.order].tolist() == sequences.tolist()


def test_a_key_that_was_silent_counts_from_one_again() -> None:
    found = replay(events([1] * 4, [5_010, 0, 5_000, 10], [2, 1, 1, 2]), KEEP_MS, one_clock=True)
    assert (found.order.tolist(), bool(found.complete.all())) == ([1, 3, 2, 0], True)


def test_runs_of_several_clocks_have_no_certain_order() -> None:
    given = events([1, 1, 1, 2], [0, 9_000, 20, 5], [1, 1, 2, 1])
    found = replay(given, KEEP_MS, one_clock=False)
    assert found.complete.tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("sequences", "keep_ms"),
    [
        pytest.param([2, 3, 3], KEEP_MS, id="the beginning is missing"),
        pytest.param([1, 3, 1], KEEP_MS, id="one in between is missing"),
        pytest.param([2, 3, 4], None, id="kept for good, and missing"),
    ],
)
def test_keys_with_holes_are_not_complete(sequences: list[int], keep_ms: int | None) -> None:
    found = replay(
        events([1, 1, 1, 2], [0, 10, 5_000, 0], [*sequences, 1]), keep_ms, one_clock=True
    )
    assert found.complete.tolist() == [False, False, False, True]


def test_nothing_is_ordered_to_nothing() -> None:
    assert len(replay(events([], [], []), KEEP_MS, one_clock=True).order) == 0


def test_clocks_of_groups_run_apart() -> None:
    draw = np.random.default_rng(5)
    groups, values = draw.integers(0, 5, 200), draw.integers(0, 1_000, 200)
    slow = [values[: n + 1][groups[: n + 1] == groups[n]].max() for n in range(200)]
    assert running_max(groups, values).tolist() == slow


def test_every_key_has_a_shard_and_all_shards_have_keys() -> None:
    found = shards_of(np.arange(1_000), 4)
    assert np.bincount(found, minlength=4).min() > 200
