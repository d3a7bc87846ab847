"""Window folds against a definition that nobody could get wrong."""

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from udfs.features.windows import WindowedAggregate, WindowFold

WINDOWS = (10, 100, 1000)
LATENESS = 50
AGGREGATE = WindowedAggregate("card", "card_id", "cents", WINDOWS)

Event = tuple[int, int, int]


def brute_force(events: list[Event]) -> list[list[int]]:
    """Counts and sums by looking at every earlier arrival; shape (n, 6)."""
    rows, newest = [], 0
    for i, (key, time, value) in enumerate(events):
        newest = max(newest, time)
        floor = newest - WINDOWS[-1] - LATENESS
        known = [(t, v) for k, t, v in events[:i] if k == key and t > floor]
        inside = [[(time, value)] + [e for e in known if time - w < e[0] <= time] for w in WINDOWS]
        rows.append([len(w) for w in inside] + [sum(v for _, v in w) for w in inside])
    return rows


def folded(fold: WindowFold, events: list[Event], newest: int = 0) -> NDArray[np.int64]:
    keys, times, values = np.array(events, dtype=np.int64).reshape(-1, 3).T
    return fold.rows(keys, times, values, np.maximum.accumulate(np.maximum(times, newest)))


def random_events(seed: int, count: int, *, jitter: int, keys: int = 5) -> list[Event]:
    draw = random.Random(seed)
    return [
        (draw.randrange(keys), 2000 + 11 * i - draw.randrange(jitter + 1), draw.randrange(100))
        for i in range(count)
    ]


@pytest.mark.parametrize(
    "jitter", [0, 40, 300, 1900], ids=["ordered", "swapped", "late", "ancient"]
)
@pytest.mark.parametrize("block", [1, 7, 400])
@pytest.mark.parametrize("keys", [1, 5, 200])
def test_windows_equal_brute_force_whatever_the_order_and_the_blocks(
    jitter: int, block: int, keys: int
) -> None:
    events = random_events(jitter, 400, jitter=jitter, keys=keys)
    fold = WindowFold(AGGREGATE, LATENESS)
    rows, newest = [], 0
    for start in range(0, len(events), block):
        part = events[start : start + block]
        rows.append(folded(fold, part, newest)[:, 1:])
        newest = max(newest, *(time for _, time, _ in part))
        fold.forget(newest - fold.keep_ms)
    assert np.concatenate(rows).tolist() == brute_force(events)


def test_window_is_open_at_its_start_and_closed_at_its_end() -> None:
    events = [(1, 100, 5), (1, 110, 7), (1, 110, 9)]
    rows = folded(WindowFold(AGGREGATE, LATENESS), events)
    assert rows[:, 1].tolist() == [1, 1, 2]  # 100 is outside (100, 110]


def test_sequence_counts_arrivals_of_the_key_and_starts_again_after_silence() -> None:
    silence = WINDOWS[-1] + LATENESS
    events = [(1, 100, 1), (1, 90, 1), (2, 120, 1), (1, 100 + silence + 1, 1)]
    assert folded(WindowFold(AGGREGATE, LATENESS), events)[:, 0].tolist() == [1, 2, 1, 1]


def test_a_fold_loaded_from_its_events_goes_on_as_the_one_that_wrote_them() -> None:
    events = random_events(3, 900, jitter=200)
    before, after = events[:600], events[600:]
    original, restored = WindowFold(AGGREGATE, LATENESS), WindowFold(AGGREGATE, LATENESS)
    sequences = folded(original, before)[:, 0]
    keys, times, values = np.array(before, dtype=np.int64).T
    restored.load(keys, times, {"cents": values}, sequences)
    newest = int(times.max())
    assert (folded(original, after, newest) == folded(restored, after, newest)).all()


def test_forgetting_silent_keys_changes_no_result() -> None:
    events = random_events(4, 600, jitter=100)
    fold, reference = WindowFold(AGGREGATE, LATENESS), WindowFold(AGGREGATE, LATENESS)
    folded(fold, events)
    folded(reference, events)
    newest = max(time for _, time, _ in events)
    later = [(key, newest + 5000, value) for key, _, value in events[:50]]
    fold.forget(newest + 5000 - fold.keep_ms)
    assert len(fold) == 0
    assert (folded(fold, later, newest) == folded(reference, later, newest)).all()
