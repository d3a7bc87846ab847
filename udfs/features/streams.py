"""The streams that a block of events came by; nearly always it is one alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

NO_TIME = -(2**62)
"""The time of an event that moves no clock."""


def distinct(streams: NDArray[np.integer[Any]]) -> list[int]:
    """The streams among those of n events (n,), in ascending order.

    >>> distinct(np.array([7, 3, 7])), distinct(np.array([7, 7])), distinct(np.array([], int))
    ([3, 7], [7], [])
    """
    if len(streams) and (streams == streams[0]).all():
        return [int(streams[0])]
    found: list[int] = np.unique(streams).tolist()
    return found


def advance(clocks: dict[int, int], streams: NDArray[np.integer[Any]], times: Ints) -> None:
    """Moves the clocks, newest times by stream, on by events (n,) of these streams and times.

    >>> clocks = {7: 15}; advance(clocks, np.array([7, 3, 7]), np.array([10, 5, 12])); clocks
    {7: 15, 3: 5}
    """
    found = distinct(streams)
    for stream in found:
        newest = int((times if len(found) == 1 else times[streams == stream]).max())
        clocks[stream] = max(newest, clocks.get(stream, newest))


def newest_so_far(clocks: dict[int, int], streams: NDArray[np.integer[Any]], times: Ints) -> Ints:
    """The clock of each event's stream up to and with the event, (n,); moves the clocks on.

    >>> clocks = {7: 15}
    >>> newest_so_far(clocks, np.array([7, 3, 7]), np.array([10, 5, 20])).tolist(), clocks
    ([15, 5, 20], {7: 20, 3: 5})
    >>> newest_so_far(clocks, np.array([7, 7]), np.array([25, 10])).tolist(), clocks
    ([25, 25], {7: 25, 3: 5})
    """
    found = distinct(streams)
    if len(found) == 1:
        return _newest_of(clocks, found[0], times)
    newest = np.empty(len(times), np.int64)
    for stream in found:
        here = streams == stream
        newest[here] = _newest_of(clocks, stream, times[here])
    return newest


def _newest_of(clocks: dict[int, int], stream: int, times: Ints) -> Ints:
    newest: Ints = np.maximum.accumulate(times)
    np.maximum(newest, clocks.get(stream, NO_TIME), out=newest)
    if (last := int(newest[-1])) > NO_TIME:
        clocks[stream] = last
    return newest
