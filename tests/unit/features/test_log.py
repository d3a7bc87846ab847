"""The event log: what is written comes back, small appends join, expired chunks go."""

import numpy as np
import pytest

from tests.stores import DictStore
from udfs.features.log import EventLog, Events, event_type, packed, values_of

EVENT = event_type({"cents": np.dtype(np.int64), "speed": np.dtype((np.float64, (2,)))})


def events(start: int, count: int, *, partition: int = 0) -> Events:
    """Events whose key, time, values and sequence all count from `start`."""
    number = np.arange(start, start + count)
    return packed(
        EVENT,
        keys=number,
        times=number,
        values={"cents": number, "speed": np.column_stack([number, number + 0.5])},
        sequence=number,
        partitions=np.full(count, partition, dtype=np.int32),
    )


def log_in(store: DictStore) -> EventLog:
    return EventLog("fold", store, EVENT)


def loaded(store: DictStore) -> Events:
    return np.concatenate(list(log_in(store).load(store)))


def test_events_come_back_in_order_of_arrival_whatever_their_times() -> None:
    store = DictStore()
    log = log_in(store)
    written = [events(500, 3000), events(0, 3000), events(9000, 10)]
    for block in written:
        log.append(block)
    assert loaded(store).tobytes() == np.concatenate(written).tobytes()


def test_values_come_back_by_field_in_their_shape() -> None:
    store = DictStore()
    log_in(store).append(events(7, 2))
    values = values_of(loaded(store))
    assert {field: column.tolist() for field, column in values.items()} == {
        "cents": [7, 8],
        "speed": [[7.0, 7.5], [8.0, 8.5]],
    }


def test_small_appends_join_one_chunk_until_it_is_full() -> None:
    store = DictStore()
    log = log_in(store)
    for i in range(2048):
        log.append(events(i, 1))
    assert len(store) == -(-2048 // (32 * 1024 // EVENT.itemsize))


def test_a_chunk_goes_when_its_events_are_behind_the_floor_of_their_partition() -> None:
    store = DictStore()
    log = log_in(store)
    for start in (0, 1000, 2000):
        log.append(events(start, 1000))
    log.expire({0: 1999})
    assert loaded(store)["time"].min() == 2000


def test_a_slow_partition_keeps_the_chunks_with_its_events() -> None:
    store = DictStore()
    log = log_in(store)
    for partition in (0, 1, 0):
        log.append(events(0, 1000, partition=partition))
    log.expire({0: 5000, 1: 10})
    assert set(loaded(store)["partition"].tolist()) == {0, 1}


def is_over(chunk: bytes, floors_ms: dict[int, int]) -> bool:
    """Whether each event of a chunk lies at or before the floor of its partition."""
    stored = np.frombuffer(chunk, EVENT)
    pairs = zip(stored["partition"].tolist(), stored["time"].tolist(), strict=True)
    return all(time <= floors_ms.get(partition, -1) for partition, time in pairs)


@pytest.mark.parametrize("restart", [7, 1000], ids=["with restarts", "without"])
def test_a_chunk_of_several_partitions_goes_when_it_is_over_for_all_of_them(restart: int) -> None:
    """Whatever the order of times and floors, and also where floors go back."""
    draw = np.random.default_rng(restart)
    store, expected = DictStore(), DictStore()
    log, dropped = log_in(store), 0
    for step in range(120):
        if step % restart == 0:
            log = log_in(store)
            list(log.load(store))
        block = events(int(draw.integers(0, 20 * step + 1)), int(draw.integers(1, 500)))
        block["partition"] = draw.integers(0, 3) + draw.integers(0, 1 + step % 2, len(block))
        log.append(block)
        expected |= store
        floors_ms = {part: int(draw.integers(0, 20 * step + 1)) for part in range(3)}
        log.expire(floors_ms)
        names = sorted(expected, key=lambda name: int(name.split("/")[1]))
        for name in names[:-1]:
            if is_over(expected[name], floors_ms):
                expected.remove(name)
                dropped += 1
        assert store == expected
    assert (dropped > 5, len(store) > 1) == (True, True)


def test_appending_after_a_load_overwrites_nothing() -> None:
    store = DictStore()
    log_in(store).append(events(0, 5))
    log = log_in(store)
    list(log.load(store))
    log.append(events(5, 5))
    assert loaded(store)["key"].tolist() == list(range(10))
