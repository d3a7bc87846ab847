"""What was answered to requests, so that one that comes again is answered alike and not written."""

import hashlib
from collections.abc import Iterator, Mapping

import msgspec

KEEP_MS = 24 * 3_600_000
"""How long a request is remembered."""

MOST = 1_000_000
"""Of more requests than that the oldest are forgotten sooner."""

_FORGET_AT_ONCE = 1_000


class Receipt(msgspec.Struct, frozen=True, tag="request"):
    """A request that was written; an entry of `<use case>.ingest-positions`.

    Attributes:
        digest: of its body.
        records: how many it held.
        unusable: of them, those that will become dead letters.
        problem: of the first one; None when there is none.
        written_time_ms: wall clock, UTC.
    """

    digest: str
    records: int
    unusable: int
    problem: str | None
    written_time_ms: int


class Receipts:
    """The newest requests by their keys, the oldest first.

    >>> receipts = Receipts({"a": Receipt("d", 1, 0, None, 0)}, keep_ms=10)
    >>> receipts.get("a", now_ms=9) is None, receipts.get("a", now_ms=10) is None
    (False, True)
    >>> list(receipts.forget(now_ms=10))
    ['a']
    """

    def __init__(
        self, known: Mapping[str, Receipt], *, keep_ms: int = KEEP_MS, most: int = MOST
    ) -> None:
        self._known, self._keep_ms, self._most = dict(known), keep_ms, most

    def get(self, key: str, now_ms: int) -> Receipt | None:
        """What was answered under a key, None when it is unknown or was long ago."""
        found = self._known.get(key)
        return None if found is None or self._over(found, now_ms) else found

    def add(self, key: str, receipt: Receipt) -> None:
        """Remembers an answer."""
        self._known.pop(key, None)
        self._known[key] = receipt

    def forget(self, now_ms: int) -> Iterator[str]:
        """Forgets what is over, a thousand at most, and gives their keys."""
        for _ in range(_FORGET_AT_ONCE):
            key = next(iter(self._known), None)
            if key is None:
                return
            if len(self._known) <= self._most and not self._over(self._known[key], now_ms):
                return
            del self._known[key]
            yield key

    def _over(self, receipt: Receipt, now_ms: int) -> bool:
        return now_ms - receipt.written_time_ms >= self._keep_ms


def digest(body: bytes) -> str:
    """What tells a body from another one."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()
