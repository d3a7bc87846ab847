"""The streams that hold expiry back, where events of one key come by several streams."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from udfs.features.streams import distinct

PATIENCE_EVENTS = 262_144
"""Well above what blocks, bundles and network buffers of the first stage hold of a shard."""

_UNHEARD = -2


class Heard(msgspec.Struct, omit_defaults=True):
    """Which streams a shard has heard of late; stored with its progress.

    Attributes:
        events: how many events the shard has taken.
        last: by stream, the span of events in which it was heard last; spans count from 0.
    """

    events: int = 0
    last: dict[int, int] = {}


class SlowestStream:
    """Says what has expired for all streams, so that the slowest one finds its events.

    Nothing expires in the first span of `patience` events: a stream that has anything to say is
    heard within it, however far its event times lie behind those of the others. After that the
    floor is that of the slowest stream that was heard in this span or in the one before. One that
    is silent for longer, or has no key here at all, holds nothing for ever.

    Args:
        heard: what is known; changed in place.
        patience: events of a span.

    >>> slowest = SlowestStream(Heard(), patience=2)
    >>> slowest.hear(np.array([0, 0], np.int32)); slowest.clock_ms({0: 900}) is None
    True
    >>> slowest.hear(np.array([1], np.int32)); slowest.clock_ms({0: 900, 1: 50})
    50
    """

    def __init__(self, heard: Heard, patience: int = PATIENCE_EVENTS) -> None:
        self._heard = heard
        self._patience = patience

    def hear(self, streams: NDArray[np.int32]) -> None:
        """Takes note of the streams of a block of n events, (n,)."""
        self._heard.events += len(streams)
        self._heard.last.update(dict.fromkeys(distinct(streams), self._span))

    def clock_ms(self, newest_ms: dict[int, int]) -> int | None:
        """The oldest clock that counts, of newest event times by stream; None: nothing expires."""
        last, span = self._heard.last, self._span
        if span < 1:
            return None
        clocks = (at for stream, at in newest_ms.items() if last.get(stream, _UNHEARD) >= span - 1)
        return min(clocks, default=None)

    @property
    def _span(self) -> int:
        # A block belongs to the span that its last event lies in.
        return max(self._heard.events - 1, 0) // self._patience
