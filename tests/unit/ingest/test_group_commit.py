"""Requests are written together, once, and answered when that is certain."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from millrace.ingest.entries import Entry
from millrace.ingest.group_commit import GroupCommit
from millrace.ingest.receipts import Receipt, Receipts
from millrace.ingest.requests import Refused
from millrace.ingest.transactions import Transactions
from udfs.errors import MillraceError, UnavailableError

ENTRIES = (Entry(b"1", b"good", 5), Entry(None, b"bad", None, "no JSON"))


@dataclass
class FakeTransactions:
    """Keeps what was committed; fails as it is told."""

    committed: list[list[Any]] = field(default_factory=list)
    failures: list[MillraceError] = field(default_factory=list)
    aborts: bool = True
    _open: list[Any] = field(default_factory=list)

    def send(self, key: bytes | None, value: bytes, timestamp_ms: int | None) -> None:
        """A record of the open transaction."""
        self._open.append(value)

    def mark(self, kind: str, name: str, content: Receipt | None) -> None:
        """A receipt of it, or a key that is forgotten."""
        self._open.append((name, content is not None))

    def commit(self) -> None:
        """Keeps it, or fails."""
        if self.failures:
            raise self.failures.pop(0)
        self.committed.append(self._open)
        self._open = []

    def abort(self) -> None:
        """Drops it, or fails."""
        if not self.aborts:
            raise UnavailableError("no broker")
        self._open = []


def group(to: FakeTransactions, **known: Receipt) -> GroupCommit:
    return GroupCommit(cast(Transactions, to), Receipts(known))


def test_what_waits_goes_in_one_transaction_with_its_receipts() -> None:
    to = FakeTransactions()

    async def scenario() -> list[Receipt]:
        writer = group(to, old=Receipt("d", 1, 0, None, 0))
        writes = [asyncio.ensure_future(writer.write(key, "d", 1, ENTRIES)) for key in "ab"]
        await asyncio.sleep(0)
        writer.close()
        await writer.run()
        return await asyncio.gather(*writes)

    receipts = asyncio.run(scenario())
    assert to.committed == [
        [("old", False), b"good", b"bad", ("a", True), b"good", b"bad", ("b", True)]
    ]
    assert {(r.records, r.unusable, r.problem) for r in receipts} == {(2, 1, "no JSON")}


def test_a_request_that_is_under_way_or_written_is_known_by_key_and_body() -> None:
    async def scenario() -> None:
        writer = group(FakeTransactions())
        writing = asyncio.ensure_future(writer.write("a", "d", 1, ENTRIES))
        await asyncio.sleep(0)
        under_way = writer.known("a", "d")
        assert isinstance(under_way, asyncio.Future)
        writer.close()
        await writer.run()
        assert writer.known("a", "d") == await writing == await under_way
        assert writer.known("b", "d") is None
        with pytest.raises(Refused, match="came before with another body") as refused:
            writer.known("a", "other")
        assert refused.value.status == 422

    asyncio.run(scenario())


def test_after_an_abort_the_request_is_refused_and_the_next_one_written() -> None:
    to = FakeTransactions(failures=[UnavailableError("no broker")])

    async def scenario() -> Receipt:
        writer = group(to)
        running = asyncio.ensure_future(writer.run())
        with pytest.raises(Refused, match="send it again: no broker") as refused:
            await writer.write("a", "d", 1, ENTRIES)
        assert (refused.value.status, writer.known("a", "d")) == (503, None)
        receipt = await writer.write("a", "d", 1, ENTRIES)
        writer.close()
        await running
        return receipt

    assert asyncio.run(scenario()).records == 2
    assert to.committed == [[b"good", b"bad", ("a", True)]]


@pytest.mark.parametrize(
    "to",
    [
        FakeTransactions(failures=[MillraceError("fenced")]),
        FakeTransactions(failures=[UnavailableError("no broker")], aborts=False),
    ],
    ids=["fenced", "no abort"],
)
def test_what_nobody_can_go_on_from_ends_the_writer_and_refuses_all(to: FakeTransactions) -> None:
    async def scenario() -> None:
        writer = group(to)
        running = asyncio.ensure_future(writer.run())
        with pytest.raises(Refused):
            await writer.write("a", "d", 1, ENTRIES)
        with pytest.raises(MillraceError):
            await running
        with pytest.raises(Refused, match="the endpoint stops"):
            await writer.write("b", "d", 1, ENTRIES)

    asyncio.run(scenario())
