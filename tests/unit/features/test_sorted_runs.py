"""Events between two times against a count of all of them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from udfs.features.sorted_runs import LATEST_MS, SortedRuns, places

KEYS, BLOCKS, BLOCK = 50, 30, 3_000
STEP_MS, DELAY_MS = 10_000, 70_000


@pytest.mark.parametrize("weighted", [False, True], ids=["counted", "weighted"])
@pytest.mark.parametrize("jitter_ms", [0, 5_000, 400_000], ids=["ordered", "some", "late"])
def test_sums_are_those_of_all_events_however_they_were_sorted_in(
    jitter_ms: int, weighted: bool
) -> None:
    draw = np.random.default_rng(jitter_ms)
    runs, floor_ms = SortedRuns(weighted=weighted), 0
    slots, times, weights = (np.empty(0, np.int64) for _ in range(3))
    for block in range(BLOCKS):
        new_slots = draw.integers(0, KEYS, BLOCK)
        new_times = 500_000 + block * STEP_MS + draw.integers(-jitter_ms, STEP_MS, BLOCK)
        new_weights = draw.integers(-2, 3, BLOCK) if weighted else np.ones(BLOCK, np.int64)
        asked = np.sort(draw.integers(0, KEYS, 40))
        until = 500_000 + block * STEP_MS - DELAY_MS + draw.integers(0, STEP_MS, 40)
        since = np.maximum(until - np.array([[5_000], [90_000]]), floor_ms)
        since = np.minimum(since, until)
        inside = (slots == asked[:, None]) & (times <= until[:, None])
        expected = [(inside & (times > begin[:, None])) @ weights for begin in since]
        found = runs.between(places(asked, since), places(asked, until), int(until.max()))
        assert found.tolist() == np.array(expected).tolist()
        runs.add(places(new_slots, new_times), new_weights if weighted else None)
        slots, times = np.append(slots, new_slots), np.append(times, new_times)
        weights = np.append(weights, new_weights)
        if block % 7 == 0:
            floor_ms = 500_000 + block * STEP_MS - 150_000
            runs.keep(floor_ms)
    assert len(runs) < len(slots)


@pytest.mark.parametrize("weights", [None, np.array([3, 4, 5])], ids=["counted", "weighted"])
@pytest.mark.parametrize("floor_ms", [0, 10], ids=["nothing dropped", "one dropped"])
def test_slots_keep_their_events_under_new_numbers(
    weights: NDArray[np.int64] | None, floor_ms: int
) -> None:
    runs = SortedRuns(weighted=weights is not None)
    runs.add(places(np.array([0, 2, 3]), np.array([10, 11, 12])), weights)
    slot_of = {0: np.array([0, 1, 1, 2]), 10: np.array([0, 0, 0, 1])}[floor_ms]
    runs.keep(floor_ms, slot_of)
    each = [1, 1, 1] if weights is None else weights.tolist()
    expected = {0: each, 10: [*each[1:], 0]}[floor_ms]
    slots = np.arange(3)
    since, until = (places(slots, np.full(3, time)) for time in (0, 20))
    assert runs.between(since[None], until, newest_ms=20).tolist() == [expected]


def test_slow_streams_leave_few_runs() -> None:
    runs = SortedRuns()
    for time in range(20_000):
        runs.add(np.array([time]))
    assert (len(runs), len(runs._new)) == (20_000, 3)


def test_the_latest_time_there_is_counts() -> None:
    runs, one = SortedRuns(), np.array([1])
    runs.add(places(one, np.array([LATEST_MS + 5])))
    since, until = (places(one, np.array([LATEST_MS + late])) for late in (-11, 9))
    assert runs.between(since[None], until, LATEST_MS + 9).tolist() == [[1]]
