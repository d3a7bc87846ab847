"""Dead letters without bytes get those of their record; all others stay as they are."""

from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest

from millrace.dead_letters.letters import Letter
from millrace.dead_letters.originals import with_bytes
from millrace.kafka.readers import Offsets, Record
from udfs.errors import DataError
from udfs.records import DeadLetter, Reason


class Raw:
    """Stages whose raw records have their own offset as value."""

    def __init__(self, *offsets: int) -> None:
        self._offsets = offsets

    def read(
        self, stage: str, start: Offsets | None = None, end: Offsets | None = None
    ) -> Iterator[Record]:
        """The records of partition 1 in a range."""
        assert stage == "raw"
        first, last = (start or {})[1], (end or {})[1]
        for offset in self._offsets:
            if first <= offset < last:
                yield Record("fraud.raw", 1, offset, 0, b"7", b"%d" % offset)

    def first(self, stage: str) -> dict[int, int]:
        """Not asked for."""
        raise NotImplementedError

    end = first

    def at(self, stage: str, time_ms: int) -> dict[int, int]:
        """Not asked for."""
        raise NotImplementedError


def letter(offset: int, value: bytes | None = None, reason: Reason = Reason.NO_ANSWER) -> Letter:
    content = DeadLetter(reason, "predictions", "no", "fraud.raw", 1, offset, 0, b"7", value)
    return Letter(0, offset, 0, content)


def whole(of: Letter, value: bytes) -> Letter:
    return replace(of, content=msgspec.structs.replace(of.content, value=value))


def test_letters_without_bytes_get_those_of_their_record_in_their_order() -> None:
    given = [
        letter(5),
        letter(3),
        letter(4, b"own"),
        letter(6, reason=Reason.EMPTY),
        letter(9),
    ]
    found = list(with_bytes(Raw(*range(10)), given))
    assert found == [
        whole(given[0], b"5"),
        whole(given[1], b"3"),
        given[2],
        given[3],
        whole(given[4], b"9"),
    ]


def test_a_record_that_is_gone_is_said_so() -> None:
    with pytest.raises(DataError, match=r"letter 0:5 is not at fraud\.raw/1/5 any more"):
        list(with_bytes(Raw(3), [letter(5)]))
