"""A fold's durable state as a log: the events of the longest window, in chunks.

Writing a key's whole state for every record costs kilobytes a record. The log writes 32 bytes
an event instead, one or two map entries a block, whatever the number of keys, and suits
incremental checkpoints. A worker that starts anew folds the log again.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_COLUMNS = 4
_CHUNK_BYTES = 32 * 1024


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

    An event is four int64: key, event time in milliseconds, value, sequence number of the key.
    Small appends join the newest chunk until it holds 32 KiB, so that a slow stream does not
    leave a chunk a block.

    Args:
        name: the fold's name; chunks are entries `<name>/<number>`.
        store: where chunks live.
    """

    def __init__(self, name: str, store: Store) -> None:
        self._name = name
        self._store = store
        self._newest: deque[tuple[int, int]] = deque()
        self._tail: list[bytes] = []
        self._tail_bytes = 0
        self._next = 0

    def load(self, entries: Mapping[str, bytes]) -> Iterator[NDArray[np.int64]]:
        """The events of each chunk among `entries`, int64 (n, 4), in order of arrival."""
        prefix = f"{self._name}/"
        chunks = sorted(int(key[len(prefix) :]) for key in entries if key.startswith(prefix))
        for chunk in chunks:
            rows = np.frombuffer(entries[self._key(chunk)], dtype="<i8").reshape(-1, _COLUMNS)
            self._newest.append((chunk, int(rows[:, 1].max())))
            yield rows
        self._next = chunks[-1] + 1 if chunks else 0

    def append(self, events: NDArray[np.int64]) -> None:
        """Stores the events of a block, int64 (n, 4) with n > 0."""
        newest = int(events[:, 1].max())
        data = np.ascontiguousarray(events, dtype="<i8").tobytes()
        if self._tail and self._tail_bytes + len(data) <= _CHUNK_BYTES:
            chunk, before = self._newest.pop()
            newest = max(newest, before)
        else:
            chunk = self._next
            self._next += 1
            self._tail, self._tail_bytes = [], 0
        self._tail.append(data)
        self._tail_bytes += len(data)
        self._newest.append((chunk, newest))
        self._store.put(self._key(chunk), b"".join(self._tail))

    def expire(self, floor_ms: int) -> bool:
        """Drops the oldest chunks whose events are all at or before `floor_ms`.

        Returns:
            Whether anything was dropped. The newest chunk always stays.
        """
        dropped = False
        while len(self._newest) > 1 and self._newest[0][1] <= floor_ms:
            self._store.remove(self._key(self._newest.popleft()[0]))
            dropped = True
        return dropped

    def _key(self, chunk: int) -> str:
        return f"{self._name}/{chunk}"
