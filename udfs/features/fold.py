"""What a fold is: a declaration that stands in the feature spec, and the state it runs with."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from udfs.features.values import Columns

Ints = NDArray[np.int64]


class RunningFold(Protocol):
    """A fold at work on the events of many entity keys, block by block.

    Its state must follow from the events that are kept: after `load` of those, results go on bit
    for bit. So a fold needs no durable form of its own; the event log is it.
    """

    @property
    def keep_ms(self) -> int | None:
        """How long events are needed; None for good.

        Events so far or further behind the newest event time of their source partition are not
        needed any more, and results must not depend on when they are dropped.
        """

    def update(self, keys: Ints, times: Ints, values: Columns, newest: Ints) -> tuple[Ints, Any]:
        """Folds a block of n events in order of arrival; a late one sees what came before it.

        Args:
            keys: entity keys, (n,).
            times: event times in milliseconds, (n,).
            values: the declaration's value columns by field, n rows each.
            newest: newest event time of the event's source partition up to and with it, (n,).

        Returns:
            The key's sequence number of each event, (n,), from 1; and what `assemble` takes:
            arrays of n rows in whatever form the use case agrees on.
        """

    def load(self, keys: Ints, times: Ints, values: Columns, sequences: Ints) -> None:
        """Puts back kept events in their order of arrival, after a restart; n rows each."""

    def forget(self, floor_ms: int) -> None:
        """Drops events at or before `floor_ms` when that is worth it; changes no result."""


@runtime_checkable
class KeepsSome(Protocol):
    """A running fold whose later results need some events only, such as a machine's first ones."""

    def keeps(self, sequence: Ints) -> NDArray[np.bool_]:
        """Whether the event with this sequence number of its key has to be kept, (n,)."""


class Fold(Protocol):
    """The declaration of a fold: a frozen dataclass, all of whose fields go into the spec's hash.

    Attributes:
        name: how features and state name this fold, for example `customer`.
        key: the record field that holds the entity key.
        values: the record fields that are stored with each event.
    """

    @property
    def name(self) -> str:
        """How features and state name this fold."""

    @property
    def key(self) -> str:
        """The record field that holds the entity key."""

    @property
    def values(self) -> tuple[str, ...]:
        """The record fields that are stored with each event."""

    def start(self, lateness_ms: int) -> RunningFold:
        """The fold without any event; windows reach back further by the allowed lateness."""
