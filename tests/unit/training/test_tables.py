"""Whole-table folds against the running ones, which the stream has."""

import numpy as np
import pytest

from training.tables import Ints, LabelChanges, delayed_values, window_values
from udfs.errors import DataError
from udfs.features.delayed import LABEL, DelayedWindows
from udfs.features.windows import WindowedAggregate

CUSTOMER = WindowedAggregate("customer", "id", "cents", (10, 70, 300))
TERMINAL = DelayedWindows("terminal", "id", (10, 70, 300), delay_ms=50)
LATENESS_MS = 1_000


def events(seed: int, count: int = 2_000, scale: int = 2**50) -> tuple[Ints, Ints, Ints]:
    """Keys, times with many equal ones, and values of events in order."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(0, 1_500, count))
    return rng.integers(0, 12, count) * scale, times, rng.integers(0, 10**9, count)


@pytest.mark.parametrize("scale", [-1, 1, 2**48, 2**59], ids="{:,}".format)
@pytest.mark.parametrize("seed", range(3))
def test_windows_are_those_of_the_running_fold(seed: int, scale: int) -> None:
    keys, times, values = events(seed, scale=scale)
    found = window_values(CUSTOMER, keys, times, values)
    _, expected = CUSTOMER.start(LATENESS_MS).update(keys, times, {"cents": values}, times)
    assert found.count.tolist() == expected.count.tolist()
    assert found.total.tolist() == expected.total.tolist()


@pytest.mark.parametrize("latest", [50, 400], ids=["labels in time", "labels late and early"])
@pytest.mark.parametrize("seed", range(3))
def test_delayed_windows_are_those_of_the_running_fold(seed: int, latest: int) -> None:
    keys, times, _ = events(seed)
    rng = np.random.default_rng(seed)
    told = np.sort(rng.choice(len(keys), 300))  # some records have several changes
    change = rng.choice([-1, 1, 1, 1], len(told))
    waits = rng.integers(50 if latest == 50 else 0, latest + 1, len(told))
    labels = LabelChanges(keys[told], times[told], times[told] + waits, change)
    found = delayed_values(TERMINAL, keys, times, labels)

    due = np.concatenate([labels.known_ms, times])
    kind = np.concatenate([np.zeros(len(told)), np.ones(len(keys))])
    order = np.lexsort((kind, due))  # labels before records of their time
    _, expected = TERMINAL.start(LATENESS_MS).update(
        np.concatenate([labels.keys, keys])[order],
        np.concatenate([labels.times_ms, times])[order],
        {LABEL: np.concatenate([change, np.zeros(len(keys), np.int64)])[order]},
        np.maximum.accumulate(due[order]),
    )
    rows = kind[order] == 1
    assert found.count.tolist() == expected.count[rows].tolist()
    assert found.positive.tolist() == expected.positive[rows].tolist()


def test_rows_from_an_event_on_are_those_of_all_events() -> None:
    keys, times, values = events(5)
    told = np.arange(0, len(keys), 7)
    labels = LabelChanges(keys[told], times[told], times[told] + 50, np.ones(len(told), np.int64))
    windows = window_values(CUSTOMER, keys, times, values)
    some = window_values(CUSTOMER, keys, times, values, first=1_234)
    assert some.count.tolist() == windows.count[1_234:].tolist()
    assert some.total.tolist() == windows.total[1_234:].tolist()
    delayed = delayed_values(TERMINAL, keys, times, labels)
    few = delayed_values(TERMINAL, keys, times, labels, first=1_234)
    assert few.count.tolist() == delayed.count[1_234:].tolist()
    assert few.positive.tolist() == delayed.positive[1_234:].tolist()


def test_keys_and_times_that_no_number_holds_are_refused() -> None:
    keys, times = np.arange(4_096), np.arange(4_096) * 2**40
    with pytest.raises(DataError, match="too many at once"):
        window_values(CUSTOMER, keys, times, times)


def test_labels_of_keys_without_events_change_nothing() -> None:
    keys, times, _ = events(1, 50)
    none = np.empty(0, np.int64)
    other = LabelChanges(*(np.array([value]) for value in (1, 0, 0, 1)))
    found = delayed_values(TERMINAL, keys, times, other)
    expected = delayed_values(TERMINAL, keys, times, LabelChanges(none, none, none, none))
    assert found.positive.tolist() == expected.positive.tolist()
