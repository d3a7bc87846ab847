"""The streams that a block of events came by; nearly always it is one alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def distinct(streams: NDArray[np.integer[Any]]) -> list[int]:
    """The streams among those of n events (n,), in ascending order.

    >>> distinct(np.array([7, 3, 7])), distinct(np.array([7, 7])), distinct(np.array([], int))
    ([3, 7], [7], [])
    """
    if len(streams) and (streams == streams[0]).all():
        return [int(streams[0])]
    found: list[int] = np.unique(streams).tolist()
    return found


def newest_by(streams: NDArray[np.integer[Any]], times: Ints) -> dict[int, int]:
    """The newest of the times (n,) by stream (n,).

    >>> newest_by(np.array([7, 3, 7]), np.array([10, 5, 20]))
    {3: 5, 7: 20}
    """
    found = distinct(streams)
    if len(found) == 1:
        return {found[0]: int(times.max())}
    return {stream: int(times[streams == stream].max()) for stream in found}
