"""What a deployment that fills its windows from the past does not write."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from udfs.records import DeadLetter

FirstOffsets = Mapping[int, int]
"""By source partition, the first offset whose outputs are written; others: all are."""


def loud(
    first: FirstOffsets, partitions: NDArray[np.int32], offsets: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which records (n,) have outputs that are written.

    >>> loud({0: 7}, np.array([0, 0, 1]), np.array([6, 7, 0])).tolist()
    [False, True, True]
    """
    found = np.ones(len(offsets), np.bool_)
    for partition, offset in first.items():
        found &= (partitions != partition) | (offsets >= offset)
    return found


def loud_letters(first: FirstOffsets, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
    """The dead letters that are written."""
    return [x for x in letters if x.source_offset >= first.get(x.source_partition, 0)]
