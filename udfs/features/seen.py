"""Business ids that were there, so that a second one is known for what it is."""

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from udfs.features.log import EventLog, Store, event_type, packed

Ints = NDArray[np.int64]

_NAME = "ids"
_CLOCKS = "ids-clocks"
_LAYOUT = event_type({})
_NEVER = -(2**62)
_EXPIRY_STEPS = 64
_FEW = 1_000


class SeenIds:
    """The business ids of one shard, as far back as the horizon; durable through `store`.

    An id is remembered until the newest event time of its source partition is a horizon past its
    own. 24 bytes of state and about 100 of memory an id.

    Args:
        horizon_ms: how long an id is remembered, in event time.
        store: the shard's durable state.
        entries: all entries of the store, when a worker starts.
    """

    def __init__(self, horizon_ms: int, store: Store, entries: Mapping[str, bytes]) -> None:
        self._horizon_ms = horizon_ms
        self._store = store
        self._log = EventLog(_NAME, store, _LAYOUT)
        self._times: dict[int, int] = {}
        stored = entries.get(_CLOCKS)
        self._clocks = msgspec.json.decode(stored, type=dict[int, int]) if stored else {}
        for events in self._log.load(entries):
            self._times.update(zip(events["key"].tolist(), events["time"].tolist(), strict=True))
        self._expired_at = sum(self._clocks.values())
        self._kept = max(len(self._times), _FEW)

    def __len__(self) -> int:
        """The number of ids that are remembered."""
        return len(self._times)

    def again(self, ids: Ints, times: Ints, partitions: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which records (n,) have an id that was there before, in their order of arrival.

        Args:
            ids: business ids, (n,).
            times: event times in milliseconds, (n,).
            partitions: source partitions, (n,).
        """
        floors = self._tick(times, partitions) - self._horizon_ms
        listed = ids.tolist()
        if len(set(listed)) == len(listed):
            get = self._times.get
            before = np.array([get(one, _NEVER) for one in listed], np.int64)
            found: NDArray[np.bool_] = before > floors
        else:
            found = self._one_by_one(listed, times, floors)
        self._keep(ids[~found], times[~found], partitions[~found])
        self._expire()
        return found

    def _one_by_one(self, ids: list[int], times: Ints, floors: Ints) -> NDArray[np.bool_]:
        found, block = np.empty(len(ids), np.bool_), dict[int, int]()
        for place, one in enumerate(ids):
            before = block.get(one, self._times.get(one, _NEVER))
            found[place] = before > floors[place]
            if not found[place]:
                block[one] = int(times[place])
        return found

    def _tick(self, times: Ints, partitions: NDArray[np.int32]) -> Ints:
        """The newest event time of each record's partition, up to and with the record."""
        newest = np.empty(len(times), np.int64)
        for partition in np.unique(partitions).tolist():
            here = partitions == partition
            running = np.maximum.accumulate(times[here])
            newest[here] = np.maximum(running, self._clocks.get(partition, _NEVER))
            self._clocks[partition] = int(newest[here][-1])
        return newest

    def _keep(self, ids: Ints, times: Ints, partitions: NDArray[np.int32]) -> None:
        if len(ids):
            self._times.update(zip(ids.tolist(), times.tolist(), strict=True))
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
        oldest = min(floors.values(), default=_NEVER)
        if len(self._times) > 2 * self._kept:
            self._times = {one: time for one, time in self._times.items() if time > oldest}
            self._kept = max(len(self._times), _FEW)
