"""Business ids that come twice, near and far, before and after a restart."""

import numpy as np
import pytest

from tests.stores import DictStore
from udfs.features.seen import SeenIds

HORIZON_MS = 1_000


def ids(store: DictStore) -> SeenIds:
    return SeenIds(HORIZON_MS, store, dict(store.items()))


def again(seen: SeenIds, *events: tuple[int, int], partition: int = 0) -> list[bool]:
    """Which of (id, event time) were there before."""
    one, times = np.array(events, np.int64).reshape(-1, 2).T
    found = seen.again(one, times, np.full(len(one), partition, np.int32))
    return [bool(flag) for flag in found]


def test_an_id_is_known_within_a_block_and_in_a_later_one() -> None:
    seen = ids(DictStore())
    assert again(seen, (1, 100), (2, 100), (1, 101)) == [False, False, True]
    assert again(seen, (2, 102), (3, 102)) == [True, False]


def test_an_id_is_forgotten_a_horizon_later_to_the_millisecond() -> None:
    assert again(ids(DictStore()), (1, 100), (1, 99 + HORIZON_MS)) == [False, True]
    assert again(ids(DictStore()), (1, 100), (1, 100 + HORIZON_MS)) == [False, False]
    seen = ids(DictStore())
    again(seen, (1, 100))
    assert again(seen, (2, 100 + HORIZON_MS), (1, 101 + HORIZON_MS)) == [False, False]


def test_an_id_that_comes_again_is_not_known_for_longer() -> None:
    seen = ids(DictStore())
    again(seen, (1, 100))
    assert again(seen, (1, 90 + HORIZON_MS), (2, 90 + HORIZON_MS)) == [True, False]
    assert again(seen, (1, 100 + HORIZON_MS), (2, 100 + HORIZON_MS)) == [False, True]


def test_a_partition_ahead_forgets_nothing_of_another() -> None:
    seen = ids(DictStore())
    again(seen, (1, 100), partition=0)
    again(seen, *((i, 10_000 + i) for i in range(2, 50)), partition=1)
    assert again(seen, (1, 100), partition=0) == [True]


@pytest.mark.parametrize("cut", [1, 70, 199])
def test_a_restart_changes_nothing(cut: int) -> None:
    draw = np.random.default_rng(3)
    events = [(int(one), 20 * i) for i, one in enumerate(draw.integers(0, 60, 200))]
    store = DictStore()
    whole = again(ids(DictStore()), *events)
    assert again(ids(store), *events[:cut]) + again(ids(store), *events[cut:]) == whole
    assert True in whole


def test_state_of_the_past_is_dropped() -> None:
    store = DictStore()
    seen = ids(store)
    for start in range(0, 100 * HORIZON_MS, HORIZON_MS):
        again(seen, *((start + i, start + i) for i in range(HORIZON_MS)))
    assert (len(store) < 6, len(seen) <= 2 * HORIZON_MS) == (True, True)


def test_ids_within_the_horizon_stay_known_while_the_past_is_dropped() -> None:
    seen = ids(DictStore())
    for start in range(0, 10 * HORIZON_MS, HORIZON_MS):
        block = range(start, start + HORIZON_MS)
        assert not any(again(seen, *((one, one) for one in block)))
        assert all(again(seen, *((one, block[-1]) for one in block)))
