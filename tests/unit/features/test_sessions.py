"""Session folds against their definition, told event by event in plain lists."""

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.stores import DictStore
from udfs.features.sessions import NO_ITEM, SessionFold, SessionItems
from udfs.features.shard import Folded, ShardFolds
from udfs.features.spec import FeatureSpec

GAP, LENGTH, LATENESS = 60, 3, 20
SESSIONS = SessionItems("session", "visitor", "item", GAP, LENGTH)
KEYS = 12

Event = tuple[int, int, int]


def by_definition(events: list[Event]) -> list[list[int]]:
    """Place in the session and the last items, of events (key, time, item) in order of arrival."""
    running: dict[int, list[tuple[int, int]]] = {}
    rows, newest = [], 0
    for key, time, item in events:
        newest = max(newest, time)
        session = running.get(key, [])
        end = max((t for t, _ in session), default=None)
        if end is not None and time < end - GAP:
            told = [(time, item)]
        else:
            over = end is None or time > end + GAP or end < newest - GAP - LATENESS
            told = running[key] = [*([] if over else session), (time, item)]
        last = [item for _, item in reversed(told[-LENGTH:])]
        rows.append([len(told), *last, *[NO_ITEM] * (LENGTH - len(last))])
    return rows


def random_events(seed: int, count: int, *, jitter: int, keys: int = KEYS) -> list[Event]:
    draw = random.Random(seed)
    return [
        (draw.randrange(keys), 5000 + 7 * i - draw.randrange(jitter + 1), draw.randrange(100))
        for i in range(count)
    ]


def columns_of(events: list[Event]) -> dict[str, NDArray[np.int64]]:
    keys, times, items = np.array(events, dtype=np.int64).reshape(-1, 3).T
    return {"visitor": keys, "time": times, "item": items}


def folded(fold: SessionFold, events: list[Event], newest: int) -> list[list[int]]:
    at = columns_of(events)
    clock = np.maximum.accumulate(np.maximum(at["time"], newest))
    sequence, items = fold.update(at["visitor"], at["time"], {"item": at["item"]}, clock)
    rows: list[list[int]] = np.column_stack((sequence, items)).tolist()
    return rows


@pytest.mark.parametrize("jitter", [0, 30, 120, 900], ids=["ordered", "swapped", "late", "ancient"])
@pytest.mark.parametrize("block", [1, 7, 600])
@pytest.mark.parametrize("keys", [1, 12, 300])
def test_sessions_are_those_of_the_definition_whatever_the_order_and_the_blocks(
    jitter: int, block: int, keys: int
) -> None:
    events = random_events(jitter + keys, 600, jitter=jitter, keys=keys)
    fold = SESSIONS.start(LATENESS)
    rows: list[list[int]] = []
    newest = 0
    for start in range(0, len(events), block):
        part = events[start : start + block]
        rows += folded(fold, part, newest)
        newest = max(newest, *(time for _, time, _ in part))
        fold.forget(newest - fold.keep_ms)
    assert rows == by_definition(events)


def test_sessions_that_are_long_over_are_forgotten() -> None:
    fold = SESSIONS.start(LATENESS)
    folded(fold, [(key, 100 + key, 1) for key in range(50)], 0)
    fold.forget(149)
    assert len(fold) == 0


def update(folds: ShardFolds, events: list[Event], partitions: list[int]) -> Folded:
    return folds.update(columns_of(events), np.array(partitions, dtype=np.int32))


@pytest.mark.parametrize("jitter", [0, 30, 120, 900], ids=["ordered", "swapped", "late", "ancient"])
@pytest.mark.parametrize("cut", [1, 777, 3999])
def test_a_restored_shard_goes_on_with_what_the_log_has_kept(jitter: int, cut: int) -> None:
    events = random_events(cut, 4_000, jitter=jitter)
    partitions = [key % 3 for key, _, _ in events]
    spec, types = FeatureSpec(("item",), (SESSIONS,)), {"item": np.dtype(np.int64)}

    def shard(store: DictStore) -> ShardFolds:
        return ShardFolds(spec, types, "time", LATENESS, store)

    def everything(found: Folded) -> list[list[int]]:
        rows: list[list[int]] = np.column_stack(
            (found.sequence, found.windows["session"], found.late)
        ).tolist()
        return rows

    whole = everything(update(shard(DictStore()), events, partitions))
    store, before = DictStore(), []
    folds = shard(store)
    for start in range(0, cut, 50):
        part = slice(start, min(start + 50, cut))
        before += everything(update(folds, events[part], partitions[part]))
    after = everything(update(shard(store), events[cut:], partitions[cut:]))
    assert before + after == whole


def test_events_that_have_expired_change_nothing() -> None:
    """The log drops whole chunks; what is kept beyond the needed may be any part of it."""
    events = random_events(5, 1_500, jitter=300)
    expected = by_definition(events)
    newest, draw = 0, random.Random(5)
    for cut in range(100, 1_500, 100):
        newest = max(time for _, time, _ in events[:cut])
        fold = SESSIONS.start(LATENESS)
        floor = newest - fold.keep_ms
        kept = [i for i in range(cut) if events[i][1] > floor or draw.random() < 0.5]
        at = columns_of([events[i] for i in kept])
        sequences = np.array([expected[i][0] for i in kept], np.int64)
        fold.load(at["visitor"], at["time"], {"item": at["item"]}, sequences)
        assert folded(fold, events[cut:], newest) == expected[cut:]
