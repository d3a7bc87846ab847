"""A fold's durable state as a log: the events of the longest window, in chunks.

Writing a key's whole state for every record costs kilobytes a record. The log writes 32 bytes
an event instead, one or two map entries a block, whatever the number of keys, and suits
incremental checkpoints. A worker that starts anew folds the log again.
"""

from collections.abc import Iterable, Iterator, Mapping
from heapq import heappop, heappush
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from udfs.features.streams import advance

_CHUNK_BYTES = 32 * 1024
# Sets the fields of values apart from the others, whatever a use case calls them.
_VALUE = "value:"
_NO_FLOOR = -(2**62)
# The newest event time of the partition that a chunk waits for, its number, those of all.
_Held = tuple[int, int, dict[int, int]]

Events = NDArray[np.void]
"""Stored events, (n,), of a dtype that `event_type` made."""


def event_type(values: Mapping[str, np.dtype[Any]]) -> np.dtype[np.void]:
    """The layout of a stored event.

    It holds the entity key, the event time in ms, the fold's values by field, the key's sequence
    number, and the source partition, whose newest event time decides when the event has expired.

    Args:
        values: dtype of an entry of each value column.

    >>> event_type({"cents": np.dtype(np.int64)}).itemsize
    32
    """
    stored = [(f"{_VALUE}{field}", *_part(dtype)) for field, dtype in values.items()]
    return np.dtype(
        [("key", "<i8"), ("time", "<i8"), *stored, ("sequence", "<u4"), ("partition", "<i4")]
    )


def _part(dtype: np.dtype[Any]) -> tuple[Any, ...]:
    return (dtype.base.newbyteorder("<"), dtype.shape)


def packed(
    layout: np.dtype[np.void],
    *,
    keys: NDArray[np.int64],
    times: NDArray[np.int64],
    values: Mapping[str, NDArray[Any]],
    sequence: NDArray[np.int64],
    partitions: NDArray[np.int32],
) -> Events:
    """Events (n,) in their stored layout, out of columns of n rows."""
    events = np.empty(len(keys), dtype=layout)
    events["key"], events["time"], events["sequence"] = keys, times, sequence
    events["partition"] = partitions
    for field, column in values.items():
        events[f"{_VALUE}{field}"] = column
    return events


def values_of(events: Events) -> dict[str, NDArray[Any]]:
    """The value columns of stored events by field."""
    names = [name for name in events.dtype.names or () if name.startswith(_VALUE)]
    return {name[len(_VALUE) :]: np.ascontiguousarray(events[name]) for name in names}


class Store(Protocol):
    """Where a shard's state lives: the part of Flink's MapState that it needs.

    One map for all of a shard's state is one commit a bundle.
    """

    def put(self, key: str, value: bytes, /) -> None:
        """Stores an entry, replacing what it held."""

    def remove(self, key: str, /) -> None:
        """Drops an entry."""

    def items(self) -> Iterable[tuple[str, bytes]]:
        """All entries, in any order."""


class EventLog:
    """Events of one fold in one shard, in order of arrival, kept until they expire.

    Small appends join the newest chunk until it holds 32 KiB, so that a slow stream does not
    leave a chunk a block.

    Args:
        name: the fold's name; chunks are entries `<name>/<number>`.
        store: where chunks live.
        layout: of an event, by `event_type`.
    """

    def __init__(self, name: str, store: Store, layout: np.dtype[np.void]) -> None:
        self._name = name
        self._store = store
        self._layout = layout
        # Of each source partition, in the newest chunk.
        self._newest_ms: dict[int, int] = {}
        # Heaps by partition: the complete chunks that cannot go before its floor is past them.
        self._held: dict[int, list[_Held]] = {}
        self._tail: list[bytes] = []
        self._tail_bytes = 0
        self._newest = -1

    def load(self, entries: Mapping[str, bytes]) -> Iterator[Events]:
        """The events of each chunk among `entries`, in order of arrival."""
        prefix = f"{self._name}/"
        chunks = sorted(int(key[len(prefix) :]) for key in entries if key.startswith(prefix))
        for chunk in chunks:
            events = np.frombuffer(entries[self._key(chunk)], dtype=self._layout)
            self._begin(chunk)
            self._note(events)
            yield events

    def append(self, events: Events) -> None:
        """Stores the events of a block."""
        data = events.tobytes()
        if not self._tail or self._tail_bytes + len(data) > _CHUNK_BYTES:
            self._tail, self._tail_bytes = [], 0
            self._begin(self._newest + 1)
        self._tail.append(data)
        self._tail_bytes += len(data)
        self._note(events)
        self._store.put(self._key(self._newest), b"".join(self._tail))

    def expire(self, floors_ms: Mapping[int, int]) -> None:
        """Drops chunks whose events all lie at or before the floor of their source partition.

        The newest chunk always stays.
        """
        for partition, floor_ms in floors_ms.items():
            held = self._held.get(partition, [])
            while held and held[0][0] <= floor_ms:
                _, chunk, newest_ms = heappop(held)
                if not self._hold(chunk, newest_ms, floors_ms):
                    self._store.remove(self._key(chunk))

    def _begin(self, chunk: int) -> None:
        """Begins a chunk; the one before is complete, and may go from now on."""
        self._hold(self._newest, self._newest_ms, {})
        self._newest, self._newest_ms = chunk, {}

    def _hold(self, chunk: int, newest_ms: dict[int, int], floors_ms: Mapping[int, int]) -> bool:
        """Whether the chunk has events after a floor; it then waits for that one's partition."""
        for partition, newest in newest_ms.items():
            if newest > floors_ms.get(partition, _NO_FLOOR):
                heappush(self._held.setdefault(partition, []), (newest, chunk, newest_ms))
                return True
        return False

    def _note(self, events: Events) -> None:
        """Remembers the newest event time of each source partition in the newest chunk."""
        advance(self._newest_ms, events["partition"], events["time"])

    def _key(self, chunk: int) -> str:
        return f"{self._name}/{chunk}"
