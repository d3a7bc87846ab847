"""Writes the requests that wait together in one transaction, with what is answered to each."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from millrace.ingest.entries import Entry
from millrace.ingest.receipts import Receipt, Receipts
from millrace.ingest.requests import Refused
from millrace.ingest.transactions import Transactions
from udfs.errors import MillraceError, UnavailableError

KIND = "request"
_OTHER_BODY, _AWAY = 422, 503
_RETRY_AFTER_S = 5
_BATCH_BYTES = 32 * 1024 * 1024
_WAITING_BYTES = 128 * 1024 * 1024


@dataclass(frozen=True, eq=False)
class Posted:
    """A request that is to be written.

    Attributes:
        key: under which it is remembered.
        digest: of its body.
        size: of its body, bytes.
        entries: its records.
        answer: what becomes of it.
    """

    key: str
    digest: str
    size: int
    entries: Sequence[Entry]
    answer: "asyncio.Future[Receipt]"


class GroupCommit:
    """The one writer of an endpoint.

    Args:
        to: transactions of the source.
        receipts: of earlier requests.
    """

    def __init__(self, to: Transactions, receipts: Receipts) -> None:
        self._to, self._receipts = to, receipts
        self._waiting: list[Posted] = []
        self._under_way: dict[str, Posted] = {}
        self._size = 0
        self._wake = asyncio.Event()
        self._closing = False

    def known(self, key: str, body_digest: str) -> "asyncio.Future[Receipt] | Receipt | None":
        """The answer to a request that came before, or that is being written just now.

        Raises:
            Refused: that one had another body.
        """
        found: Posted | Receipt | None = self._under_way.get(key)
        found = found or self._receipts.get(key, _now_ms())
        if found is not None and found.digest != body_digest:
            raise Refused(
                _OTHER_BODY, "this Idempotency-Key came before with another body; take a new one"
            )
        return found.answer if isinstance(found, Posted) else found

    async def write(
        self, key: str, body_digest: str, size: int, entries: Sequence[Entry]
    ) -> Receipt:
        """Returns once the records are committed.

        Raises:
            Refused: the endpoint stops, is busy, or Kafka does not take them.
        """
        if self._closing:
            raise Refused(_AWAY, "the endpoint stops; send it again later", _RETRY_AFTER_S)
        if self._waiting and self._size + size > _WAITING_BYTES:
            raise Refused(_AWAY, "too many requests wait; send it again later", _RETRY_AFTER_S)
        answer = asyncio.get_running_loop().create_future()
        posted = Posted(key, body_digest, size, entries, answer)
        self._waiting.append(posted)
        self._under_way[key] = posted
        self._size += size
        self._wake.set()
        # A client that hangs up does not take back what it sent.
        return await asyncio.shield(answer)

    async def run(self) -> None:
        """Writes what waits until it is closed and nothing waits any more.

        Raises:
            MillraceError: Kafka failed in a way after which nothing can be written.
        """
        try:
            while self._waiting or not self._closing:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    await self._write(self._next())
        except MillraceError:
            self._closing = True
            self._refuse(self._waiting, "the endpoint stops; nothing of the request is written")
            raise

    def close(self) -> None:
        """No further requests are taken; `run` returns once those under way are written."""
        self._closing = True
        self._wake.set()

    def _next(self) -> list[Posted]:
        """The requests of the next transaction: one at least."""
        size = count = 0
        for posted in self._waiting:
            size += posted.size
            if count and size > _BATCH_BYTES:
                break
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    async def _write(self, batch: Sequence[Posted]) -> None:
        now_ms = _now_ms()
        receipts = {posted.key: _receipt(posted, now_ms) for posted in batch}
        forgotten = list(self._receipts.forget(now_ms))
        try:
            await asyncio.to_thread(self._transaction, batch, receipts, forgotten)
        except MillraceError as error:
            self._refuse(batch, f"the request may not be written, send it again: {error}")
            # After an abort it is certain that nothing counts, and it goes on.
            if not isinstance(error, UnavailableError) or not await self._aborted():
                raise
            return
        self._done(batch)
        for posted in batch:
            self._receipts.add(posted.key, receipts[posted.key])
            posted.answer.set_result(receipts[posted.key])

    def _refuse(self, batch: Sequence[Posted], message: str) -> None:
        self._done(batch)
        for posted in batch:
            posted.answer.set_exception(Refused(_AWAY, message, _RETRY_AFTER_S))

    def _done(self, batch: Sequence[Posted]) -> None:
        for posted in batch:
            del self._under_way[posted.key]
            self._size -= posted.size

    def _transaction(
        self, batch: Sequence[Posted], receipts: dict[str, Receipt], forgotten: Sequence[str]
    ) -> None:
        for key in forgotten:
            self._to.mark(KIND, key, None)
        for posted in batch:
            for entry in posted.entries:
                self._to.send(entry.key, entry.value, entry.event_time_ms)
            self._to.mark(KIND, posted.key, receipts[posted.key])
        self._to.commit()

    async def _aborted(self) -> bool:
        try:
            await asyncio.to_thread(self._to.abort)
        except MillraceError:
            return False
        return True


def _receipt(posted: Posted, now_ms: int) -> Receipt:
    problems = [entry.problem for entry in posted.entries if entry.problem is not None]
    first = problems[0] if problems else None
    return Receipt(posted.digest, len(posted.entries), len(problems), first, now_ms)


def _now_ms() -> int:
    return int(time.time() * 1000)
