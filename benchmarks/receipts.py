"""When predictions became readable: their append times, or a consumer's clock at their receipt."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.reading import chunks, reader

_WAIT_S = 0.02
_CHUNK = 5_000
_PARTITION_BITS = 48


class _Source(msgspec.Struct):
    """The source record that a prediction names."""

    source_partition: int
    source_offset: int


_decode = msgspec.json.Decoder(_Source).decode_lines


def source_ids(values: list[bytes]) -> list[int]:
    """One number for the source partition and offset of each prediction.

    >>> source_ids([b'{"source_partition":1,"source_offset":5,"more":0}']) == [(1 << 48) + 5]
    True
    """
    found = _decode(b"\n".join(values))
    return [(one.source_partition << _PARTITION_BITS) + one.source_offset for one in found]


@dataclass
class Times:
    """Milliseconds by record; both lists have the same length."""

    ids: list[int] = field(default_factory=list)
    at_ms: list[int] = field(default_factory=list)

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ids in ascending order, and their times."""
        ids, at_ms = np.array(self.ids, np.int64), np.array(self.at_ms, np.int64)
        order = np.argsort(ids, kind="stable")
        return ids[order], at_ms[order]


def appended(bootstrap_servers: str, raw_topic: str) -> Times:
    """Append times of the raw records."""
    times = Times()
    for messages in chunks(bootstrap_servers, raw_topic):
        times.ids += [(m.partition() << _PARTITION_BITS) + m.offset() for m in messages]
        times.at_ms += [m.timestamp()[1] for m in messages]
    return times


class Receiver:
    """A `read_committed` consumer in a thread; notes each prediction's receipt or append time.

    Used as a context manager it reads inside the block.
    """

    def __init__(self, bootstrap_servers: str, topic: str, *, by_receipt: bool) -> None:
        self.times = Times()
        self._by_receipt = by_receipt
        self._source = reader(bootstrap_servers, topic, **{"enable.partition.eof": False})
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Receiver":
        """Begins to read."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stops reading."""
        self._stop.set()
        self._thread.join()
        self._source.close()

    def __len__(self) -> int:
        """Predictions so far."""
        return len(self.times.at_ms)

    def _read(self) -> None:
        while not self._stop.is_set():
            # One message ends the wait; what else is there already comes with the second call.
            first: list[Any] = self._source.consume(1, _WAIT_S)
            if not first:
                continue
            messages = first + self._source.consume(_CHUNK, 0)
            now = int(time.time() * 1000)
            self.times.ids += source_ids([m.value() for m in messages])
            stamps = [now if self._by_receipt else m.timestamp()[1] for m in messages]
            self.times.at_ms += stamps
