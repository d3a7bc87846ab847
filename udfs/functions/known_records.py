"""The records of one shard whose labels may still come, by business id."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from udfs.features.chains import grown, moved_up
from udfs.features.key_index import NOWHERE, KeyIndex
from udfs.features.log import EventLog, Store, event_type, packed, values_of

Ints = NDArray[np.int64]

_INT = np.dtype(np.int64)
_RECORD = event_type({"second": _INT, "stream": _INT})
_LABEL = event_type({"label": _INT})
_ALL = 0
_FIRST_CAPACITY = 1024
_WORTH_IT = 2
# Looking at all records costs as much as adding a few: it is done when an eighth has come.
_LOOKS = 8
_COLUMNS = ("second", "time", "stream", "label", "labelled")


class KnownRecords:
    """What a label needs of its record, and the label that holds so far; 40 bytes in each log.

    State is two logs, of records and of labels, whose chunks go when all their records are older
    than the floor. About 70 bytes of memory a record; those older than the floor go when they are
    about half of all.

    Args:
        store: the shard's durable state.
        entries: all entries of the store, when a worker starts.
    """

    def __init__(self, store: Store, entries: Mapping[str, bytes]) -> None:
        self._records = EventLog("records", store, _RECORD)
        self._labels = EventLog("labels", store, _LABEL)
        self._index = KeyIndex()
        self._looked = self._silent = 0
        self.second, self.time, self.stream, self.label = (
            np.zeros(_FIRST_CAPACITY, np.int64) for _ in range(4)
        )
        self.labelled = np.zeros(_FIRST_CAPACITY, np.bool_)
        for events in self._records.load(entries):
            stored = values_of(events)
            self._keep(events["key"], events["time"], stored["second"], stored["stream"])
        for events in self._labels.load(entries):
            self._restore(events["key"], events["time"], values_of(events)["label"])

    def __len__(self) -> int:
        """The number of records."""
        return len(self._index)

    def add(self, ids: Ints, second: Ints, times: Ints, streams: Ints, floor_ms: int) -> int:
        """Takes records (n,); how many were known already or lie behind the floor."""
        fresh = (times > floor_ms) & (self.find(ids, floor_ms) == NOWHERE)
        if (ids[1:] <= ids[:-1]).any():
            first = np.zeros(len(ids), np.bool_)
            first[np.unique(ids, return_index=True)[1]] = True
            fresh &= first
        count = len(ids)
        if not fresh.all():
            ids, second, times, streams = (
                column[fresh] for column in (ids, second, times, streams)
            )
        if len(ids):
            self._keep(ids, times, second, streams)
            self._log(self._records, _RECORD, ids, times, {"second": second, "stream": streams})
        return count - len(ids)

    def find(self, ids: Ints, floor_ms: int) -> Ints:
        """Where the records of these ids stand in the columns, -1 for those not known; (n,)."""
        at = self._index.find(ids)
        found: Ints = np.where((at != NOWHERE) & (self.time.take(at) > floor_ms), at, NOWHERE)
        return found

    def set_labels(self, ids: Ints, at: Ints, labels: Ints) -> None:
        """Notes the labels (n,) of records at these places, the last one of a record last."""
        if len(at):
            self.label[at], self.labelled[at] = labels, True
            self._log(self._labels, _LABEL, ids, self.time[at], {"label": labels})

    def expire(self, floor_ms: int, *, at_once: bool = False) -> int:
        """Drops records at or before the floor once they are many.

        Args:
            floor_ms: the time at or before which a record has expired.
            at_once: looks at the records even where few have come since the last time.

        Returns:
            How many more of those at or before the floor never had a label.
        """
        for log in (self._records, self._labels):
            log.expire({_ALL: floor_ms})
        size = len(self)
        if not at_once and size - self._looked < size // _LOOKS:
            return 0
        self._looked = size
        alive = self.time[:size] > floor_ms
        silent = np.count_nonzero(~(self.labelled[:size] | alive))
        told, self._silent = self._silent, max(self._silent, silent)
        more = self._silent - told
        if _WORTH_IT * np.count_nonzero(alive) <= size:
            kept = np.flatnonzero(alive)
            self._index.keep(kept)
            for name in _COLUMNS:
                setattr(self, name, moved_up(getattr(self, name), kept))
            self._looked, self._silent = len(self), 0
        return more

    def _keep(self, ids: Ints, times: Ints, second: Ints, streams: Ints) -> None:
        first = len(self)
        self._index.add(ids)
        if len(self) > len(self.time):
            for name in _COLUMNS:
                setattr(self, name, grown(getattr(self, name), 2 * len(self), 0))
        new = slice(first, len(self))
        self.second[new], self.time[new], self.stream[new] = second, times, streams
        self.label[new], self.labelled[new] = 0, False

    def _restore(self, ids: Ints, times: Ints, labels: Ints) -> None:
        """Puts back labels; an id that came again after its expiry has a record of another time."""
        at = self.find(ids, -1)
        same = (at != NOWHERE) & (self.time[at] == times)
        self.label[at[same]], self.labelled[at[same]] = labels[same], True

    @staticmethod
    def _log(
        log: EventLog,
        layout: np.dtype[np.void],
        ids: Ints,
        times: Ints,
        values: Mapping[str, Ints],
    ) -> None:
        none = np.zeros(len(ids), np.int64)
        log.append(
            packed(
                layout,
                keys=ids,
                times=times,
                values=values,
                sequence=none,
                partitions=none.astype(np.int32),
            )
        )
