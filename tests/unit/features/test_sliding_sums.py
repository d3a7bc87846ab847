"""Events up to times that move on against a count of all of them."""

import numpy as np
import pytest

from udfs.features import sliding_sums
from udfs.features.sliding_sums import LATEST_MS, SlidingSums

KEYS, BLOCKS, BLOCK = 50, 30, 3_000
STEP_MS, DELAY_MS = 10_000, 70_000
BEHIND_MS = (DELAY_MS, DELAY_MS + 5_000, DELAY_MS + 90_000)


@pytest.mark.parametrize("far_events", [16_384, 100], ids=["one cursor", "many cursors"])
@pytest.mark.parametrize("jitter_ms", [0, 5_000, 400_000], ids=["ordered", "some", "late"])
@pytest.mark.parametrize("apart_ms", [0, 120_000], ids=["together", "two streams apart"])
def test_windows_hold_what_all_events_say_however_they_were_sorted_in(
    far_events: int, jitter_ms: int, apart_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sliding_sums, "_FAR_EVENTS", far_events)
    draw = np.random.default_rng(jitter_ms)
    sums, floor_ms = SlidingSums(BEHIND_MS), 0
    slots, times, weights = (np.empty(0, np.int64) for _ in range(3))
    for block in range(BLOCKS):
        now_ms = 500_000 + block * STEP_MS
        new_slots = draw.integers(0, KEYS, BLOCK)
        new_times = now_ms + draw.integers(-jitter_ms, STEP_MS, BLOCK)
        new_weights = draw.integers(-2, 3, BLOCK)
        asked = np.sort(draw.integers(0, KEYS, 40))
        at = now_ms + draw.integers(0, STEP_MS, 40) - apart_ms * draw.integers(0, 2, 40)
        until, *since = at - np.array(BEHIND_MS)[:, None]
        inside = (slots == asked[:, None]) & (times <= until[:, None])
        expected = [(inside & (times > begin[:, None])) @ weights for begin in since]
        first, *others = sums.up_to(asked, at)
        assert (first - np.array(others)).tolist() == np.array(expected).tolist()
        sums.add(new_slots, new_times, new_weights)
        slots, times = np.append(slots, new_slots), np.append(times, new_times)
        weights = np.append(weights, new_weights)
        if block % 7 == 0:
            floor_ms = now_ms - 200_000 - apart_ms
            sums.drop(floor_ms)
            left = times > floor_ms
            slots, times, weights = slots[left], times[left], weights[left]
    assert len(sums) == len(times)


def test_what_is_dropped_before_a_window_has_passed_it_is_in_no_later_window() -> None:
    sums, one = SlidingSums((0, 100)), np.zeros(1, np.int64)
    sums.add(one, np.array([50]), one + 1)
    assert sums.up_to(one, np.array([60])).tolist() == [[1], [0]]
    sums.drop(55)
    after, before = sums.up_to(one, np.array([70]))
    assert (after - before).tolist() == [0]
    after, before = sums.up_to(one, np.array([400]))
    assert (after - before).tolist() == [0]


def test_slots_with_new_numbers_keep_their_events() -> None:
    sums = SlidingSums((10, 1000))
    sums.add(np.array([0, 1, 3]), np.array([5, 500, 600]), np.array([1, 2, 4]))
    sums.up_to(np.array([1]), np.array([510]))
    sums.drop(5)
    sums.renumber(np.array([1, 3]))
    after, before = sums.up_to(np.array([0, 1, 2]), np.array([700] * 3))
    assert (after - before).tolist() == [2, 4, 0]


def test_slow_streams_leave_few_arrays() -> None:
    sums, one = SlidingSums((0,)), np.zeros(1, np.int64)
    for time in range(20_000):
        sums.add(one, np.array([time]), one + 1)
    assert (len(sums), len(sums._new)) == (20_000, 3)


def test_times_far_apart_have_cursors_of_their_own_but_few_of_them() -> None:
    sums = SlidingSums((0, 10))
    times = np.arange(400_000)
    sums.add(np.zeros_like(times), times, np.ones_like(times))
    asked = np.arange(0, 400_000, 40_000)
    after, before = sums.up_to(np.zeros_like(asked), asked)
    assert (after - before).tolist() == [1] + [10] * 9
    assert len(sums._cursors) == sliding_sums._MOST_CURSORS


def test_the_latest_time_there_is_counts() -> None:
    sums, one = SlidingSums((0, 20)), np.ones(1, np.int64)
    sums.add(one, np.array([LATEST_MS + 5]), one)
    after, before = sums.up_to(one, np.array([LATEST_MS + 9]))
    assert (after - before).tolist() == [1]
