"""Delayed windows against a definition that nobody could get wrong."""

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from udfs.features.delayed import LABEL, DelayedFold, DelayedWindows

WINDOWS, DELAY, LATENESS = (10, 100, 1000), 70, 50
KEEP = DELAY + WINDOWS[-1] + LATENESS
DECLARED = DelayedWindows("terminal", "terminal_id", WINDOWS, DELAY)

Event = tuple[int, int, int]
"""Key, event time, label: 0 for a record, else the change of a record's label."""


def brute_force(events: list[Event]) -> list[list[int]]:
    """Counts and labels by looking at every earlier arrival; zeros for changes of labels."""
    rows, newest = [], 0
    for i, (key, time, label) in enumerate(events):
        newest = max(newest, time)
        known = [(t, v) for k, t, v in events[:i] if k == key and t > newest - KEEP]
        end = time - DELAY
        inside = [[v for t, v in known if end - w < t <= end] for w in WINDOWS]
        row = [sum(v == 0 for v in w) for w in inside] + [sum(w) for w in inside]
        rows.append([0] * len(row) if label else row)
    return rows


def folded(fold: DelayedFold, events: list[Event], newest: int = 0) -> NDArray[np.int64]:
    keys, times, labels = np.array(events, dtype=np.int64).reshape(-1, 3).T
    newest_by_then = np.maximum.accumulate(np.maximum(times, newest))
    sequence, found = fold.update(keys, times, {LABEL: labels}, newest_by_then)
    return np.column_stack([sequence, found.count, found.positive])


def random_events(seed: int, count: int, *, jitter: int, keys: int = 5) -> list[Event]:
    """Records, some with a label about a delay later, some labels taken back."""
    draw = random.Random(seed)
    events: list[tuple[int, Event]] = []
    for i in range(count):
        key, time = draw.randrange(keys), 2000 + 9 * i - draw.randrange(jitter + 1)
        events.append((9 * i, (key, time, 0)))
        if draw.random() < 0.3:
            arrives = 9 * i + DELAY + draw.randrange(-40, 200)
            events.append((arrives, (key, time, 1)))
            if draw.random() < 0.2:
                events.append((arrives + 30, (key, time, -1)))
    return [event for _, event in sorted(events, key=lambda pair: pair[0])]


@pytest.mark.parametrize("jitter", [0, 40, 300, 1900], ids=["ordered", "some", "late", "ancient"])
@pytest.mark.parametrize("block", [1, 7, 700])
@pytest.mark.parametrize("keys", [1, 5, 200])
def test_windows_equal_brute_force_whatever_the_order_and_the_blocks(
    jitter: int, block: int, keys: int
) -> None:
    events = random_events(jitter, 500, jitter=jitter, keys=keys)
    fold = DelayedFold(DECLARED, LATENESS)
    rows, newest = [], 0
    for start in range(0, len(events), block):
        part = events[start : start + block]
        rows.append(folded(fold, part, newest)[:, 1:])
        newest = max(newest, *(time for _, time, _ in part))
        fold.forget(newest - KEEP)
    assert np.concatenate(rows).tolist() == brute_force(events)


@pytest.mark.parametrize("hot", [0.0, 0.9], ids=["many keys", "one key above all"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9], ids=["few ahead", "half ahead", "most ahead"])
def test_records_of_a_stream_ahead_see_those_of_one_behind_that_came_before_in_the_block(
    share: float, hot: float
) -> None:
    draw = random.Random(share + hot)
    events = []
    for i in range(1000):
        key = 0 if draw.random() < hot else draw.randrange(100)
        behind, label = draw.random() > share, draw.choice((0, 0, 0, 1, -1))
        events.append((key, 5000 + i // 20 - 300 * behind, label))
    found = folded(DelayedFold(DECLARED, LATENESS), events)[:, 1:]
    assert found.tolist() == brute_force(events)


def test_a_window_ends_a_delay_before_the_record_and_includes_its_end() -> None:
    events = [(1, 100, 0), (1, 160, 0), (1, 100 + DELAY, 0), (1, 99 + DELAY, 0)]
    assert folded(DelayedFold(DECLARED, 500), events)[:, 1].tolist() == [0, 0, 1, 0]


def test_a_label_counts_from_its_arrival_on_until_it_is_taken_back() -> None:
    later = 100 + DELAY
    events = [(1, 100, 0), (1, later, 0), (1, 100, 1), (1, later, 0), (1, 100, -1), (1, later, 0)]
    positive = folded(DelayedFold(DECLARED, LATENESS), events)[:, 4]
    assert positive.tolist() == [0, 0, 0, 1, 0, 0]


def test_sequence_counts_records_and_labels_and_starts_again_after_silence() -> None:
    events = [(1, 100, 0), (1, 100, 1), (2, 120, 0), (1, 100 + KEEP + 1, 0), (1, 101 + KEEP, 0)]
    assert folded(DelayedFold(DECLARED, LATENESS), events)[:, 0].tolist() == [1, 2, 1, 1, 2]


@pytest.mark.parametrize("cut", [1, 300, 700])
def test_a_fold_loaded_from_its_events_goes_on_as_the_one_that_wrote_them(cut: int) -> None:
    events = random_events(3, 600, jitter=200)
    original, restored = DelayedFold(DECLARED, LATENESS), DelayedFold(DECLARED, LATENESS)
    sequences = folded(original, events[:cut])[:, 0]
    keys, times, labels = np.array(events[:cut], dtype=np.int64).T
    restored.load(keys, times, {LABEL: labels}, sequences)
    after, newest = events[cut:], int(times.max())
    assert (folded(original, after, newest) == folded(restored, after, newest)).all()


def test_forgetting_silent_keys_changes_no_result() -> None:
    events = random_events(4, 600, jitter=100)
    fold, reference = DelayedFold(DECLARED, LATENESS), DelayedFold(DECLARED, LATENESS)
    folded(fold, events)
    folded(reference, events)
    newest = max(time for _, time, _ in events) + 5000
    later = [(key, newest, label) for key, _, label in events[:50]]
    fold.forget(newest - KEEP)
    assert len(fold) == 0
    assert (folded(fold, later, newest) == folded(reference, later, newest)).all()


def test_a_few_silent_keys_change_no_result_of_the_others() -> None:
    silent = [(key, 100, 0) for key in range(3)]
    busy = [(key, time, 0) for key in range(3, 43) for time in (100, 100 + KEEP)]
    later = [(key, 120 + KEEP + DELAY, 0) for key in range(43)]
    fold, reference = DelayedFold(DECLARED, LATENESS), DelayedFold(DECLARED, LATENESS)
    for each in (fold, reference):
        folded(each, silent + busy)
    fold.forget(120)
    assert (folded(fold, later, KEEP) == folded(reference, later, KEEP)).all()


def test_an_empty_block_gives_empty_values() -> None:
    assert folded(DelayedFold(DECLARED, LATENESS), []).shape == (0, 7)
