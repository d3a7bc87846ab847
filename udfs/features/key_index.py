"""Where integers stand among those that came before: a dictionary in numpy arrays."""

import numpy as np
from numpy.typing import NDArray

from udfs.features.chains import grown

Ints = NDArray[np.int64]

NOWHERE = -1
"""The place of a key that was never added."""

_FIRST_BITS = 11
_LEAST_ROOM = 2
_MORE_BITS = 2
_WORD_BITS = 64
# 2^64 over the golden ratio: neighbouring numbers fall far apart (Knuth, vol. 3, 6.4).
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


class KeyIndex:
    """Places of integer keys in the order in which they were added, for whole blocks at once.

    A hash table with open addressing. Where a key is added again, its last place holds. 16 to 40
    bytes a key, and a fraction of a dictionary's time for blocks of hundreds of keys and more.

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
        found = self._table[slots]
        todo = np.flatnonzero((found != NOWHERE) & (self._keys[found] != keys))
        slots, wanted = slots[todo], keys[todo]
        while len(todo):
            slots = slots + 1 & self._mask
            at = self._table[slots]
            found[todo] = at
            more = (at != NOWHERE) & (self._keys[at] != wanted)
            todo, slots, wanted = todo[more], slots[more], wanted[more]
        return found.astype(np.int64)

    def add(self, keys: Ints) -> None:
        """Gives the keys (n,) the next places."""
        first, self._size = self._size, self._size + len(keys)
        if self._size > len(self._keys):
            self._keys = grown(self._keys, max(self._size, 2 * len(self._keys)), 0)
        self._keys[first : self._size] = keys
        if _LEAST_ROOM * self._size <= len(self._table):
            self._insert(first)
            return
        bits = self._bits
        while _LEAST_ROOM * self._size > 1 << bits:
            bits += _MORE_BITS
        self._empty(bits)
        self._insert(0)

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
        spread = keys.astype(np.int64).view(np.uint64) * _SPREAD
        return (spread >> np.uint64(_WORD_BITS - self._bits)).view(np.int64)

    def _insert(self, first: int) -> None:
        """Enters the keys from this place on; of two that want a slot the later one has it."""
        places = np.arange(first, self._size, dtype=np.int32)
        slots = self._slots(self._keys[first : self._size])
        while len(places):
            at, keys = self._table[slots], self._keys[places]
            mine = (at == NOWHERE) | (self._keys[at] == keys)
            self._table[slots[mine]] = places[mine]
            # An older place of the same key goes on too. It lies behind, where nobody finds it.
            rest = self._table[slots] != places
            places, slots = places[rest], slots[rest] + 1 & self._mask
