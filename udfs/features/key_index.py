"""Where integers stand among those that came before: a dictionary in numpy arrays."""

import numpy as np
from numpy.typing import NDArray

from udfs.features.chains import grown, moved_up

Ints = NDArray[np.int64]

NOWHERE = -1
"""The place of a key that was never added."""

_FIRST_BITS = 11
_LEAST_ROOM = 2
_MORE_BITS = 2
_MOST_ROOM = 16
# What a step of an insertion holds of so many keys stays in the processor's cache.
_AT_ONCE = 16_384
_WORD_BITS = 64
# 2^64 over the golden ratio: neighbouring numbers fall far apart (Knuth, vol. 3, 6.4).
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


class KeyIndex:
    """Places of integer keys in the order in which they were added, for whole blocks at once.

    A hash table with open addressing. Where a key is added again, its last place holds. 16 to 40
    bytes a key, more after keys were forgotten, and a fraction of a dictionary's time for blocks
    of hundreds of keys and more.

    >>> index = KeyIndex()
    >>> index.add(np.array([70, 80])); index.add(np.array([90, 70]))
    >>> index.find(np.array([80, 70, 60])).tolist(), len(index)
    ([1, 3, -1], 4)
    """

    def __init__(self) -> None:
        self._size = 0
        self._keys = np.zeros(1 << _FIRST_BITS, np.int64)
        self._empty(_FIRST_BITS)

    def __len__(self) -> int:
        """How many keys were added."""
        return self._size

    @property
    def keys(self) -> Ints:
        """The keys by their places, (n,)."""
        return self._keys[: self._size]

    def find(self, keys: Ints) -> Ints:
        """The place of each key (n,), `NOWHERE` of one that was never added."""
        slots = self._slots(keys)
        found = self._table.take(slots).astype(np.int64)
        todo = np.flatnonzero(found != NOWHERE)
        todo = todo.take(np.flatnonzero(self._keys.take(found.take(todo)) != keys.take(todo)))
        slots, wanted = slots.take(todo), keys.take(todo)
        while len(todo):
            slots = slots + 1 & self._mask
            at = self._table.take(slots)
            found[todo] = at
            more = np.flatnonzero((at != NOWHERE) & (self._keys.take(at) != wanted))
            todo, slots, wanted = todo.take(more), slots.take(more), wanted.take(more)
        return found

    def add(self, keys: Ints) -> None:
        """Gives the keys (n,) the next places."""
        first, self._size = self._size, self._size + len(keys)
        if self._size > len(self._keys):
            self._keys = grown(self._keys, 2 * self._size, 0)
        self._keys[first : self._size] = keys
        if _LEAST_ROOM * self._size > len(self._table):
            bits = self._bits
            while _LEAST_ROOM * self._size > 1 << bits:
                bits += _MORE_BITS
            self._empty(bits)
            first = 0
        for start in range(first, self._size, _AT_ONCE):
            self._insert(start, min(start + _AT_ONCE, self._size))

    def keep(self, places: Ints) -> None:
        """Forgets all keys but those at these places (n,), which become the places 0 to n - 1."""
        self._keys, self._size = moved_up(self._keys, places), 0
        if _MOST_ROOM * len(places) < len(self._table):
            self._empty(_FIRST_BITS)
        else:
            self._table.fill(NOWHERE)
        self.add(self._keys[: len(places)])

    def places(self, keys: Ints) -> Ints:
        """The place of each key (n,); new ones are added."""
        found = self.find(keys)
        new = found == NOWHERE
        if new.any():
            self.add(np.unique(keys[new]))
            found[new] = self.find(keys[new])
        return found

    def _empty(self, bits: int) -> None:
        self._bits, self._mask = bits, (1 << bits) - 1
        self._table = np.full(1 << bits, NOWHERE, np.int32)

    def _slots(self, keys: Ints) -> Ints:
        slots = keys.astype(np.int64, copy=False).view(np.uint64) * _SPREAD
        slots >>= np.uint64(_WORD_BITS - self._bits)
        return slots.view(np.int64)

    def _insert(self, first: int, end: int) -> None:
        """Enters the keys of these places; of two that want a slot the later one has it."""
        places, keys = np.arange(first, end, dtype=np.int32), self._keys[first:end]
        slots = self._slots(keys)
        while len(places):
            at = self._table.take(slots)
            mine = at == NOWHERE
            if mine.all():
                self._table[slots] = places
            else:
                mine |= self._keys.take(at) == keys
                self._table[slots[mine]] = places[mine]
            # An older place of the same key goes on too. It lies behind, where nobody finds it.
            rest = np.flatnonzero(self._table.take(slots) != places)
            places, keys = places.take(rest), keys.take(rest)
            slots = slots.take(rest) + 1 & self._mask
