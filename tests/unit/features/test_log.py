"""The event log: what is written comes back, small appends join, expired chunks go."""

import numpy as np

from tests.stores import DictStore
from udfs.features.log import EVENT, EventLog, Events


def events(start: int, count: int, *, partition: int = 0) -> Events:
    """Events whose key, time, value and sequence all count from `start`."""
    rows = np.empty(count, dtype=EVENT)
    for field in ("key", "time", "value", "sequence"):
        rows[field] = np.arange(start, start + count)
    rows["partition"] = partition
    return rows


def loaded(store: DictStore) -> Events:
    return np.concatenate(list(EventLog("fold", store).load(store)))


def test_events_come_back_in_order_of_arrival_whatever_their_times() -> None:
    store = DictStore()
    log = EventLog("fold", store)
    written = [events(500, 3000), events(0, 3000), events(9000, 10)]
    for block in written:
        log.append(block)
    assert loaded(store).tolist() == np.concatenate(written).tolist()


def test_small_appends_join_one_chunk_until_it_is_full() -> None:
    store = DictStore()
    log = EventLog("fold", store)
    for i in range(2048):
        log.append(events(i, 1))
    assert len(store) == 2048 * EVENT.itemsize // (32 * 1024)


def test_a_chunk_goes_when_its_events_are_behind_the_floor_of_their_partition() -> None:
    store = DictStore()
    log = EventLog("fold", store)
    for start in (0, 1000, 2000):
        log.append(events(start, 1000))
    log.expire({0: 1999})
    assert loaded(store)["time"].min() == 2000


def test_a_slow_partition_keeps_the_chunks_with_its_events() -> None:
    store = DictStore()
    log = EventLog("fold", store)
    for partition in (0, 1, 0):
        log.append(events(0, 1000, partition=partition))
    log.expire({0: 5000, 1: 10})
    assert set(loaded(store)["partition"].tolist()) == {0, 1}


def test_appending_after_a_load_overwrites_nothing() -> None:
    store = DictStore()
    EventLog("fold", store).append(events(0, 5))
    log = EventLog("fold", store)
    list(log.load(store))
    log.append(events(5, 5))
    assert loaded(store)["key"].tolist() == list(range(10))
