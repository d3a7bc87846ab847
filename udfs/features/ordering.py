"""Orders of events."""

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


def merged_by_time(groups: Ints, times: Ints) -> Ints:
    """Places of entries (n,) in an order near that of time, in which each group keeps its own.

    A group goes by the newest time that it has reached. Folds are made for events that go with
    time: group after group, each window would be looked for far from the last one.

    Args:
        groups: a number by group, whose entries follow each other, (n,).
        times: of the entries, (n,).

    >>> merged_by_time(np.array([7, 7, 7, 2, 2]), np.array([10, 30, 20, 15, 25])).tolist()
    [0, 3, 4, 1, 2]
    """
    before = len(groups) * np.cumsum(np.diff(groups, prepend=groups[:1]) != 0)
    rank = np.unique(times, return_inverse=True)[1]
    newest = np.maximum.accumulate(before + rank) - before
    found: Ints = np.argsort(newest, kind="stable")
    return found
