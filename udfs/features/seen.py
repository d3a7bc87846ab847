"""Business ids that were there, so that a second one is known for what it is."""

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from udfs.features.chains import grown, moved_up
from udfs.features.key_index import NOWHERE, KeyIndex
from udfs.features.log import EventLog, Store, event_type, packed
from udfs.features.streams import newest_so_far

Ints = NDArray[np.int64]

_NAME = "ids"
_CLOCKS = "ids-clocks"
_LAYOUT = event_type({})
_NEVER = -(2**62)
_EXPIRY_STEPS = 64
_FEW = 1_000
_FIRST_CAPACITY = 1024


class SeenIds:
    """The business ids of one shard, as far back as the horizon; durable through `store`.

    An id is remembered until the newest event time of its source partition is a horizon past its
    own. 24 bytes of state and about 50 of memory an id.

    Args:
        horizon_ms: how long an id is remembered, in event time.
        store: the shard's durable state.
        entries: all entries of the store, when a worker starts.
    """

    def __init__(self, horizon_ms: int, store: Store, entries: Mapping[str, bytes]) -> None:
        self._horizon_ms = horizon_ms
        self._store = store
        self._log = EventLog(_NAME, store, _LAYOUT)
        self._index, self._times = KeyIndex(), np.zeros(_FIRST_CAPACITY, np.int64)
        stored = entries.get(_CLOCKS)
        self._clocks = msgspec.json.decode(stored, type=dict[int, int]) if stored else {}
        for events in self._log.load(entries):
            self._remember(events["key"], events["time"])
        self._expired_at = sum(self._clocks.values())
        self._kept = max(len(self), _FEW)

    def __len__(self) -> int:
        """The number of ids that are remembered."""
        return len(self._index)

    def again(self, ids: Ints, times: Ints, partitions: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which records (n,) have an id that was there before, in their order of arrival.

        Args:
            ids: business ids, (n,).
            times: event times in milliseconds, (n,).
            partitions: source partitions, (n,).
        """
        floors = newest_so_far(self._clocks, partitions, times) - self._horizon_ms
        at = self._index.find(ids)
        before = np.where(at == NOWHERE, _NEVER, self._times.take(at))
        found: NDArray[np.bool_] = before > floors
        if _come_twice(ids):
            found = _one_by_one(ids.tolist(), times, floors, before.tolist())
        if found.any():
            ids, times, partitions = ids[~found], times[~found], partitions[~found]
        self._keep(ids, times, partitions)
        self._expire()
        return found

    def _keep(self, ids: Ints, times: Ints, partitions: NDArray[np.int32]) -> None:
        if len(ids):
            self._remember(ids, times)
            none = np.zeros(len(ids), np.int64)
            self._log.append(
                packed(
                    _LAYOUT, keys=ids, times=times, values={}, sequence=none, partitions=partitions
                )
            )
        self._store.put(_CLOCKS, msgspec.json.encode(self._clocks))

    def _expire(self) -> None:
        progress = sum(self._clocks.values())
        if progress - self._expired_at < self._horizon_ms // _EXPIRY_STEPS:
            return
        self._expired_at = progress
        floors = {part: newest - self._horizon_ms for part, newest in self._clocks.items()}
        self._log.expire(floors)
        if len(self) > 2 * self._kept:
            times = self._times[: len(self)]
            later = np.flatnonzero(times > min(floors.values(), default=_NEVER))
            self._index.keep(later)
            self._times = moved_up(self._times, later)
            self._kept = max(len(self), _FEW)

    def _remember(self, ids: Ints, times: Ints) -> None:
        first = len(self)
        self._index.add(ids)
        if len(self) > len(self._times):
            self._times = grown(self._times, max(len(self), 2 * len(self._times)), 0)
        self._times[first : len(self)] = times


def _come_twice(ids: Ints) -> bool:
    """Whether one of the ids (n,) stands there again; those that only rise show it unsorted."""
    rise = bool((ids[1:] > ids[:-1]).all())
    return not rise and len(np.unique(ids)) < len(ids)


def _one_by_one(ids: list[int], times: Ints, floors: Ints, known: list[int]) -> NDArray[np.bool_]:
    """Which of the ids were there before, where some come again within their block."""
    found, block = np.empty(len(ids), np.bool_), dict[int, int]()
    for place, one in enumerate(ids):
        found[place] = block.get(one, known[place]) > floors[place]
        if not found[place]:
            block[one] = int(times[place])
    return found
