"""Many byte strings that lie in one block, cut out only where they are asked for."""

from collections.abc import Iterable, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

_POWERS_OF_TEN = 10 ** np.arange(1, 19, dtype=np.int64)
_ZERO = ord("0")
_WORD_DIGITS = 4
_WORDS = 10**_WORD_DIGITS
_DIGITS = np.arange(_WORDS)[:, None] // [1000, 100, 10, 1] % 10
# The digits of every number that fits in a word, as one integer of four bytes.
_TEXTS = (_DIGITS + _ZERO).astype(np.uint8).view(np.uint32).ravel()


class Slices(Sequence[bytes | None]):
    """Byte strings of a block, or None where Kafka had null.

    Args:
        buffer: what they lie in.
        starts: where each begins, int64 (n,).
        lengths: bytes of each, -1 for None, int32 (n,).

    >>> keys = Slices.of([b"7", None, b"12"])
    >>> list(keys), keys[2], list(keys.at(np.array([2, 1])))
    ([b'7', None, b'12'], b'12', [b'12', None])
    """

    def __init__(
        self, buffer: bytes, starts: NDArray[np.int64], lengths: NDArray[np.int32]
    ) -> None:
        self.buffer = buffer
        self.starts = starts
        self.lengths = lengths

    @classmethod
    def behind(cls, buffer: bytes, start: int, lengths: NDArray[np.int32]) -> "Slices":
        """Strings that follow each other without a gap from `start` on."""
        sizes = np.maximum(lengths, 0)
        return cls(buffer, np.cumsum(sizes, dtype=np.int64) - sizes + start, lengths)

    @classmethod
    def of(cls, items: Iterable[bytes | None]) -> "Slices":
        """The strings of a list."""
        listed = list(items)
        lengths = np.array([-1 if item is None else len(item) for item in listed], dtype=np.int32)
        return cls.behind(b"".join(item for item in listed if item is not None), 0, lengths)

    @classmethod
    def nulls(cls, count: int) -> "Slices":
        """So many times None."""
        return cls(b"", np.zeros(count, np.int64), np.full(count, -1, np.int32))

    @classmethod
    def decimals(cls, numbers: NDArray[np.int64]) -> "Slices":
        """The decimal texts of numbers, int64 (n,).

        >>> list(Slices.decimals(np.array([7, 120, 0, -3])))
        [b'7', b'120', b'0', b'-3']
        """
        if numbers.min(initial=0) < 0:
            return cls.of(b"%d" % number for number in numbers.tolist())
        digits = _digits_of(numbers)
        words = -(-int(digits.max(initial=0)) // _WORD_DIGITS)
        text, rest = np.empty((len(numbers), words), np.uint32), numbers
        for word in range(words - 1, -1, -1):
            before = rest // _WORDS
            text[:, word] = _TEXTS[rest - _WORDS * before]
            rest = before
        width = _WORD_DIGITS * words
        used = np.arange(width, dtype=np.int32) >= (width - digits)[:, None]
        chosen = np.compress(used.ravel(), text.view(np.uint8).ravel())
        return cls.behind(chosen.tobytes(), 0, digits)

    @property
    def ends(self) -> NDArray[np.int64]:
        """Where each ends, int64 (n,); an empty one and None end where they begin."""
        ends: NDArray[np.int64] = self.starts + np.maximum(self.lengths, 0)
        return ends

    def __len__(self) -> int:
        """The number of strings."""
        return len(self.lengths)

    @overload
    def __getitem__(self, place: int, /) -> bytes | None: ...
    @overload
    def __getitem__(self, place: slice, /) -> "Slices": ...
    def __getitem__(self, place: "int | slice", /) -> "bytes | Slices | None":
        """The string at a place, or those of a range."""
        if isinstance(place, slice):
            return Slices(self.buffer, self.starts[place], self.lengths[place])
        start, length = int(self.starts[place]), int(self.lengths[place])
        return None if length < 0 else self.buffer[start : start + length]

    def at(self, places: NDArray[np.int64]) -> "Slices":
        """The strings at these places, (m,)."""
        if len(places) == len(self) and np.array_equal(places, np.arange(len(self))):
            return self
        return Slices(self.buffer, self.starts[places], self.lengths[places])

    def joined(self) -> bytes:
        """All of them, one after another."""
        if not len(self):
            return b""
        ends = self.ends
        if np.array_equal(self.starts[1:], ends[:-1]):
            return self.buffer[int(self.starts[0]) : int(ends[-1])]
        return b"".join(item for item in self if item is not None)

    def are_decimals(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each is the decimal text of the number beside it, bool (n,).

        Args:
            numbers: int64 (n,).

        >>> Slices.of([b"7", b"07", None, b"-3", b"120"]).are_decimals(np.array([7, 7, 7, -3, 12]))
        array([ True, False, False,  True, False])
        """
        texts = Slices.decimals(numbers)
        same: NDArray[np.bool_] = self.lengths == texts.lengths
        if same.all() and texts.joined() == self.joined():
            return same
        ours, theirs = (np.frombuffer(each.buffer, np.uint8) for each in (self, texts))
        for place in range(int(texts.lengths.max(initial=0))):
            inside = np.flatnonzero(same & (texts.lengths > place))
            same[inside] = ours[self.starts[inside] + place] == theirs[texts.starts[inside] + place]
        return same


def _digits_of(numbers: NDArray[np.int64]) -> NDArray[np.int32]:
    """How many digits each number from 0 on has, (n,)."""
    most = np.searchsorted(_POWERS_OF_TEN, numbers.max(initial=0), side="right")
    digits = np.ones(len(numbers), np.int32)
    for power in _POWERS_OF_TEN[:most]:
        digits += numbers >= power
    return digits
