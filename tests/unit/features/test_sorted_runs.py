"""Events between two times against a count of all of them."""

import numpy as np
import pytest

from udfs.features.sorted_runs import LATEST_MS, SortedRuns, places

KEYS, BLOCKS, BLOCK = 50, 30, 3_000
STEP_MS, DELAY_MS = 10_000, 70_000


@pytest.mark.parametrize("jitter_ms", [0, 5_000, 400_000], ids=["ordered", "some", "late"])
def test_sums_are_those_of_all_events_however_they_were_sorted_in(jitter_ms: int) -> None:
    draw = np.random.default_rng(jitter_ms)
    runs, floor_ms = SortedRuns(), 0
    slots, times, weights = (np.empty(0, np.int64) for _ in range(3))
    for block in range(BLOCKS):
        new_slots = draw.integers(0, KEYS, BLOCK)
        new_times = 500_000 + block * STEP_MS + draw.integers(-jitter_ms, STEP_MS, BLOCK)
        new_weights = draw.integers(-2, 3, BLOCK)
        asked = np.sort(draw.integers(0, KEYS, 40))
        until = 500_000 + block * STEP_MS - DELAY_MS + draw.integers(0, STEP_MS, 40)
        since = np.maximum(until - np.array([[5_000], [90_000]]), floor_ms)
        since = np.minimum(since, until)
        inside = (slots == asked[:, None]) & (times <= until[:, None])
        expected = [(inside & (times > begin[:, None])) @ weights for begin in since]
        assert runs.between(asked, since, until).tolist() == np.array(expected).tolist()
        runs.add(places(new_slots, new_times), new_weights)
        slots, times = np.append(slots, new_slots), np.append(times, new_times)
        weights = np.append(weights, new_weights)
        if block % 7 == 0:
            floor_ms = 500_000 + block * STEP_MS - 150_000
            runs.keep(floor_ms, np.arange(KEYS))
    assert len(runs) < len(slots)


def test_slow_streams_leave_few_runs() -> None:
    runs = SortedRuns()
    for time in range(20_000):
        runs.add(np.array([time]), np.array([1]))
    assert (len(runs), len(runs._new)) == (20_000, 3)


def test_the_latest_time_there_is_counts() -> None:
    runs, one = SortedRuns(), np.array([1])
    runs.add(places(one, np.array([LATEST_MS + 5])), one)
    until = np.array([LATEST_MS + 9])
    assert runs.between(one, until[None] - 20, until).tolist() == [[1]]
