"""Orders of small integers, fast."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_WORD_BITS = 63


def stable_sort(numbers: Ints) -> tuple[Ints, Ints]:
    """A stable argsort of numbers (n,), several times as fast, and the numbers in that order.

    Number and place are sorted as one plain number, so numbers are from 0 on and below
    `limit(n)`.

    >>> order, ordered = stable_sort(np.array([5, 0, 5, 2]))
    >>> order.tolist(), ordered.tolist()
    ([1, 3, 0, 2], [0, 2, 5, 5])
    """
    count = len(numbers)
    bits = count.bit_length()
    packed = numbers << bits
    packed += np.arange(count)
    packed.sort()
    return packed & (1 << bits) - 1, packed >> bits


def limit(count: int) -> int:
    """What each of so many numbers has to be below for `stable_sort`.

    >>> limit(3) == 2**61
    True
    """
    return 1 << _WORD_BITS - count.bit_length()
