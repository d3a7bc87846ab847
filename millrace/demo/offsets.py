"""Which source offsets have been answered: each has to be, and only once."""

from collections import defaultdict
from collections.abc import Mapping


class Answered:
    """Counts the answers to every offset of every source partition.

    >>> answered = Answered()
    >>> for offset in (0, 2, 2): answered.add(0, offset)
    >>> answered.missing({0: 3}), answered.extra, answered.total
    (1, 1, 3)

    Attributes:
        total: answers.
        extra: of them, those to an offset that had one already.
    """

    def __init__(self) -> None:
        self.total = 0
        self.extra = 0
        self._seen: dict[int, bytearray] = defaultdict(bytearray)

    def add(self, partition: int, offset: int) -> None:
        """Takes an answer."""
        seen = self._seen[partition]
        if offset >= len(seen):
            seen.extend(bytes(max(offset + 1 - len(seen), len(seen))))
        self.extra += seen[offset]
        seen[offset] = 1
        self.total += 1

    def missing(self, end: Mapping[int, int]) -> int:
        """How many offsets from 0 to the end of each partition have no answer."""
        return sum(
            stop - self._seen[partition].count(1, 0, stop) for partition, stop in end.items()
        )

    def beyond(self, end: Mapping[int, int]) -> int:
        """How many offsets have an answer although they are not below the end."""
        return sum(seen.count(1, end.get(part, 0)) for part, seen in self._seen.items())
