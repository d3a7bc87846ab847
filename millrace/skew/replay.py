"""The order in which a key's events were folded, from their sequence numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Events:
    """What is known of n events of a fold; int64 columns of shape (n,).

    Attributes:
        key: entity key.
        time: event time in milliseconds.
        sequence: number among the key's events, from 1; from 1 again after a silence.
        clock: newest event time of the source partition when it was folded, in milliseconds.
    """

    key: Ints
    time: Ints
    sequence: Ints
    clock: Ints


@dataclass(frozen=True)
class Replay:
    """Events in the order in which they were folded, key after key.

    Attributes:
        order: places of the n events, (n,).
        complete: of the ordered events: whether all events of their key are there, (n,).
    """

    order: Ints
    complete: NDArray[np.bool_]


def replay(events: Events, keep_ms: int | None, *, one_clock: bool) -> Replay:
    """Orders the events of many keys by sequence number.

    Most keys count 1, 2, 3, … A key that was silent for longer than its events are kept counts
    from 1 again. Where its events share one clock, gaps in event time tell the runs apart; where
    they do not, partitions that are far apart make runs whose order nothing tells. A key without
    a certain order is not complete.

    Args:
        events: of the fold.
        keep_ms: how long a key's events are kept; None for good.
        one_clock: whether the events of a key share a clock: they come from one partition, or
            were folded in the order of event time.

    >>> three = [np.array(column) for column in ([7, 7, 7], [5, 6, 900], [2, 1, 1], [6, 6, 900])]
    >>> found = replay(Events(*three), keep_ms=100, one_clock=True)
    >>> found.order.tolist(), found.complete.tolist()
    ([1, 0, 2], [True, True, True])
    """
    by_time = np.lexsort((events.time, events.key))
    key, time = events.key[by_time], events.time[by_time]
    starts = np.diff(key, prepend=key[:1] - 1) != 0
    if keep_ms is not None and one_clock:
        starts[1:] |= np.diff(time) > keep_ms
    run = np.cumsum(starts) - 1
    within = np.lexsort((events.sequence[by_time], run))
    order, run = by_time[within], run[within]
    begin = np.flatnonzero(np.diff(run, prepend=-1))
    expected = np.arange(len(run)) - begin[run] + 1
    wrong = events.key[order][events.sequence[order] != expected]
    return Replay(order, ~np.isin(events.key[order], wrong))


def running_max(groups: Ints, values: Ints) -> Ints:
    """The highest value of each group up to and with an entry, in the given order; (n,).

    >>> running_max(np.array([0, 1, 0, 1]), np.array([5, 3, 4, 8])).tolist()
    [5, 3, 5, 8]
    """
    order = np.argsort(groups, kind="stable")
    found = np.empty(len(values), dtype=np.int64)
    edges = np.flatnonzero(np.diff(groups[order])) + 1
    for part in np.split(order, edges) if len(order) else ():
        found[part] = np.maximum.accumulate(values[part])
    return found


def shards_of(keys: Ints, shards: int) -> Ints:
    """The shard of each entity key, as `PackOperator` computes it from the record key; (n,)."""
    unique, where = np.unique(keys, return_inverse=True)
    found = np.array([_shard(b"%d" % key, shards) for key in unique.tolist()], dtype=np.int64)
    return found[where]


def _shard(key: bytes, shards: int) -> int:
    """Java's `Arrays.hashCode` of a record key, mixed and divided.

    >>> _shard(b"42", 4), _shard(b"42", 1)
    (3, 0)
    """
    value = 1
    for byte in key:
        value = (31 * value + (byte - 256 if byte > 127 else byte)) & 0xFFFFFFFF  # noqa: PLR2004
    value = (value * 0x9E3779B9) & 0xFFFFFFFF
    mixed = value ^ (value >> 16)
    signed = mixed - 2**32 if mixed >= 2**31 else mixed
    return signed % shards
