"""Expiry where a key's events come by several streams, against a batch that looks at everything."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.stores import DictStore
from udfs.features.delayed import LABEL, DelayedWindows
from udfs.features.shard import ShardFolds
from udfs.features.slowest import PATIENCE_EVENTS, Heard, SlowestStream
from udfs.features.spec import FeatureSpec

WINDOWS, DELAY, LATENESS = (100, 1000), 70, 50
KEEP = DELAY + WINDOWS[-1] + LATENESS
SPEC = FeatureSpec((), (), second=(DelayedWindows("terminal", "key", WINDOWS, DELAY),))
TYPES = {LABEL: np.dtype(np.int64)}
# Months of one stream: its times reach a multiple of what is kept.
STREAMS, EVENTS, KEYS = 4, 2400, 6

Ints = NDArray[np.int64]


@dataclass
class Arrivals:
    """Events in order of arrival: keys, times, labels, streams, (n,) each."""

    key: Ints
    time: Ints
    label: Ints
    stream: NDArray[np.int32]

    def __getitem__(self, part: slice) -> "Arrivals":
        return Arrivals(self.key[part], self.time[part], self.label[part], self.stream[part])


def one_topic(seed: int) -> Arrivals:
    """Events in the order of the topic; a change of a label comes after its record."""
    draw = np.random.default_rng(seed)
    time = 10_000 + np.arange(EVENTS) * 9 - draw.integers(0, 120, EVENTS)
    key, stream = draw.integers(0, KEYS, EVENTS), draw.integers(0, STREAMS, EVENTS)
    label = np.zeros(EVENTS, np.int64)
    for place in np.flatnonzero(draw.random(EVENTS) < 0.2):
        of = place - draw.integers(1, 12)
        if of >= 0 and label[of] == 0:
            key[place], time[place], stream[place] = key[of], time[of], stream[of]
            label[place] = 1
    return Arrivals(key, time, label, stream.astype(np.int32))


def interleaved(events: Arrivals, how: str) -> Arrivals:
    """The same events as streams may bring them: each keeps its own order."""
    place, stream = np.arange(EVENTS), events.stream
    behind = {
        "in order of the topic": place,
        "one stream after the other": stream * EVENTS + place,
        "one shard is months behind": np.where(stream == 3, EVENTS + place, place),
        "one shard is ever further behind": np.where(stream == 0, 3 * place, place),
        "blocks of months": (place // 400 + stream * 2) * EVENTS + place,
    }[how]
    order = np.argsort(behind, kind="stable")
    return Arrivals(events.key[order], events.time[order], events.label[order], stream[order])


def brute_force(events: Arrivals) -> list[list[int]]:
    """Counts and labels of each record, by a look at all that arrived before; no state, no expiry.

    Only the declared horizon behind the newest record of its own stream cuts what it sees.
    """
    newest: dict[int, int] = {}
    seen: dict[int, list[tuple[int, int]]] = {key: [] for key in range(KEYS)}
    rows = []
    columns = (events.key, events.time, events.label, events.stream)
    for key, time, label, stream in zip(*(c.tolist() for c in columns), strict=True):
        if label:
            rows.append([0] * (2 * len(WINDOWS)))
        else:
            newest[stream] = max(time, newest.get(stream, time))
            known, end = [e for e in seen[key] if e[0] > newest[stream] - KEEP], time - DELAY
            inside = [[v for t, v in known if end - w < t <= end] for w in WINDOWS]
            rows.append([sum(v == 0 for v in w) for w in inside] + [sum(w) for w in inside])
        seen[key].append((time, label))
    return rows


def shard(store: DictStore, patience: int | None) -> ShardFolds:
    return ShardFolds(SPEC, TYPES, "time", LATENESS, store, folds=SPEC.second, patience=patience)


def folded(folds: ShardFolds, events: Arrivals) -> list[list[int]]:
    columns = {"key": events.key, "time": events.time, LABEL: events.label}
    found = folds.update(columns, events.stream, ticks=events.label == 0).windows["terminal"]
    rows: list[list[int]] = np.column_stack([found.count, found.positive]).tolist()
    return rows


HOW = [
    "in order of the topic",
    "one stream after the other",
    "one shard is months behind",
    "one shard is ever further behind",
    "blocks of months",
]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("restart_every", [0, 5], ids=["at once", "with restarts"])
def test_rows_equal_a_batch_however_streams_interleave(
    how: str, seed: int, restart_every: int
) -> None:
    events, store = interleaved(one_topic(seed), how), DictStore()
    folds, rows = shard(store, PATIENCE_EVENTS), []
    for number, start in enumerate(range(0, EVENTS, 40)):
        if restart_every and number % restart_every == 0:
            folds = shard(store, PATIENCE_EVENTS)
        rows += folded(folds, events[start : start + 40])
    assert rows == brute_force(events)


@pytest.mark.parametrize("seed", [1, 2])
def test_rows_are_right_while_events_expire_behind_the_slowest_stream(seed: int) -> None:
    """Streams are fewer events apart than the patience, and state goes all the same."""
    place, topic = np.arange(EVENTS), one_topic(seed)
    order = np.argsort(np.where(topic.stream == 3, place + 300, place), kind="stable")
    events = Arrivals(topic.key[order], topic.time[order], topic.label[order], topic.stream[order])
    store, rows, begun = DictStore(), [], 0
    for start in range(0, EVENTS, 40):
        if start % 200 == 0:  # a shard that starts anew begins a chunk
            folds, begun = shard(store, 400), begun + 1
        rows += folded(folds, events[start : start + 40])
    assert rows == brute_force(events)
    assert sum(name.startswith("terminal/") for name in store) < begun - 4


def test_without_patience_a_stream_that_was_not_heard_yet_loses_its_events() -> None:
    """What the rule is there for: clocks of the streams that were heard alone are not enough."""
    events = interleaved(one_topic(1), "one shard is months behind")
    folds, rows = shard(DictStore(), None), []
    for start in range(0, EVENTS, 40):
        rows += folded(folds, events[start : start + 40])
    assert rows != brute_force(events)


def chunks_after(patience: int, streams: list[int]) -> int:
    """Chunks of the log after blocks of one stream each, all a long time apart."""
    store = DictStore()
    folds = shard(store, patience)
    for number, stream in enumerate(streams):
        time = np.full(1000, 10_000 + number * 2 * KEEP, np.int64)
        label = np.zeros(1000, np.int64)
        folded(folds, Arrivals(time % KEYS, time, label, np.full(1000, stream, np.int32)))
    return sum(name.startswith("terminal/") for name in store)


def test_a_stream_holds_its_events_back_only_while_it_is_heard() -> None:
    assert chunks_after(2000, [1] + [0] * 3) == 4
    assert chunks_after(2000, [1] + [0] * 9) < 6


def test_a_stream_that_never_comes_holds_nothing() -> None:
    assert chunks_after(2000, [0] * 10) < 4


def test_what_was_heard_comes_back_with_the_state() -> None:
    heard = Heard()
    SlowestStream(heard, 2).hear(np.array([7, 8, 8], np.int32))
    again = SlowestStream(heard, 2)
    assert again.clock_ms({7: 5, 8: 90}) == 5
    again.hear(np.array([8] * 4, np.int32))
    assert again.clock_ms({7: 5, 8: 90}) == 90
