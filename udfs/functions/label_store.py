"""Labels that came before their records, kept with their bytes until they find them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.features.chains import grown
from udfs.features.key_index import NOWHERE, KeyIndex
from udfs.features.log import Store
from udfs.functions.told_labels import ToldLabels, Waiting

Ints = NDArray[np.int64]

_NAME, _TAKEN = "early", "taken"
_FIRST_CAPACITY = 1024
_WORTH_IT = 8
_NONE = np.empty(0, np.int64)
_BEFORE, _CHUNK, _ROW = range(3)


@dataclass
class _Chunk:
    """Labels of one block in order of arrival.

    Attributes:
        told: the labels, (n,).
        taken: which of them wait no more, bool (n,).
        places: of those that wait, in the index; (n,).
        left: how many wait.
        noted: whether the store knows that some were taken.
    """

    told: ToldLabels
    taken: NDArray[np.bool_]
    places: Ints
    left: int
    noted: bool = False


class EarlyLabels:
    """Waiting labels by business id, durable in chunks; a chunk is the labels of one block.

    A chunk's labels are written once. What was taken of it is a bit a label beside it, until so
    little is left that the rest is written anew.

    Args:
        store: where chunks live, as entries `early/<number>` and `taken/<number>`.
        entries: all entries of the store, when a worker starts.
    """

    def __init__(self, store: Store, entries: Mapping[str, bytes]) -> None:
        self._store = store
        self._chunks: dict[int, _Chunk] = {}
        self._begin()
        prefix = f"{_NAME}/"
        numbers = sorted(int(key[len(prefix) :]) for key in entries if key.startswith(prefix))
        self._next = numbers[-1] + 1 if numbers else 0
        for number in numbers:
            told = ToldLabels.decode(entries[f"{prefix}{number}"])
            self._chunks[number] = _chunk(told, entries.get(f"{_TAKEN}/{number}"))
            self._enter(number)

    def __len__(self) -> int:
        """The number of labels that wait."""
        return sum(chunk.left for chunk in self._chunks.values())

    @property
    def oldest_ms(self) -> int | None:
        """When the oldest one became known; None when none waits."""
        oldest = (int(x.told.known_ms[~x.taken].min()) for x in self._chunks.values())
        return min(oldest, default=None)

    def add(self, labels: ToldLabels) -> None:
        """Keeps the labels of a block."""
        if not len(labels):
            return
        if len(self._index) > 2 * len(self) + _FIRST_CAPACITY:
            self._begin()
            for number in self._chunks:
                self._enter(number)
        number, self._next = self._next, self._next + 1
        self._write(number, labels)
        self._enter(number)

    def take(self, business_ids: Ints) -> list[ToldLabels]:
        """Gives the labels of these records, in order of arrival, and forgets them."""
        if not self._chunks:
            return []
        at, found = self._index.find(business_ids), [_NONE]
        while len(at := at[at != NOWHERE]):
            found.append(at)
            at = self._links[_BEFORE, at]
        numbers, rows = self._links[_CHUNK:, np.unique(np.concatenate(found))]
        taken = []
        for number in np.unique(numbers).tolist():
            chunk = self._chunks.get(number)
            if chunk is not None:
                here = rows[numbers == number]
                here = here[~chunk.taken[here]]
                taken.append(chunk.told.at(here))
                self._take(number, here)
        return taken

    def expire(self, floor_ms: int) -> list[Waiting]:
        """Gives those that became known at or before the floor, and forgets them."""
        gone = []
        for number, chunk in list(self._chunks.items()):
            rows = np.flatnonzero(~chunk.taken & (chunk.told.known_ms <= floor_ms))
            gone += [chunk.told.waiting(row) for row in rows.tolist()]
            self._take(number, rows)
        return gone

    def _begin(self) -> None:
        self._index = KeyIndex()
        self._links = np.zeros((3, _FIRST_CAPACITY), np.int64)

    def _enter(self, number: int) -> None:
        """Makes the labels of a chunk that wait known to the index, each linked to its elders."""
        chunk, first = self._chunks[number], len(self._index)
        rows = np.flatnonzero(~chunk.taken)
        ids = chunk.told.ids[rows]
        before = self._index.find(ids)
        order = np.argsort(ids, kind="stable")
        again = np.flatnonzero(ids[order[1:]] == ids[order[:-1]])
        before[order[again + 1]] = first + order[again]
        self._index.add(ids)
        if len(self._index) > self._links.shape[1]:
            self._links = grown(self._links, 2 * len(self._index), 0)
        new = slice(first, len(self._index))
        self._links[_BEFORE, new], self._links[_ROW, new] = before, rows
        self._links[_CHUNK, new] = number
        chunk.places[:] = NOWHERE
        chunk.places[rows] = np.arange(first, len(self._index))

    def _take(self, number: int, rows: Ints) -> None:
        """Notes that these labels of a chunk wait no more."""
        if not len(rows):
            return
        chunk, name = self._chunks[number], f"{_TAKEN}/{number}"
        chunk.taken[rows] = True
        chunk.left -= len(rows)
        if chunk.left * _WORTH_IT > len(chunk.told):
            self._store.put(name, np.packbits(chunk.taken).tobytes())
            chunk.noted = True
            return
        if chunk.noted:
            self._store.remove(name)
        if chunk.left:
            kept = np.flatnonzero(~chunk.taken)
            self._links[_CHUNK, chunk.places[chunk.places != NOWHERE]] = NOWHERE
            places = chunk.places[kept]
            self._links[_CHUNK, places], self._links[_ROW, places] = number, np.arange(len(kept))
            self._write(number, chunk.told.at(kept))
            self._chunks[number].places = places
        else:
            self._store.remove(f"{_NAME}/{number}")
            del self._chunks[number]

    def _write(self, number: int, labels: ToldLabels) -> None:
        """Stores labels as a chunk of which nothing was taken."""
        data = labels.encode()
        self._store.put(f"{_NAME}/{number}", data)
        # Out of their own bytes, or they would hold the whole block that they came in.
        self._chunks[number] = _chunk(ToldLabels.decode(data), None)


def _chunk(told: ToldLabels, noted: bytes | None) -> _Chunk:
    bits = np.frombuffer(noted or bytes(len(told)), np.uint8)
    taken = np.unpackbits(bits, count=len(told)).astype(np.bool_)
    places = np.full(len(told), NOWHERE)
    return _Chunk(told, taken, places, int((~taken).sum()), noted is not None)
