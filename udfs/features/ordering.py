"""Orders of small integers, fast."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def stable_order(numbers: Ints) -> Ints:
    """What a stable argsort gives for numbers (n,) from 0 on, several times as fast.

    Number and place are sorted as one plain number, so a number has 64 bits less those of n + 1.

    >>> stable_order(np.array([5, 0, 5, 2])).tolist()
    [1, 3, 0, 2]
    """
    count = len(numbers)
    bits = count.bit_length()
    found: Ints = np.sort((numbers << bits) + np.arange(count)) & (1 << bits) - 1
    return found
