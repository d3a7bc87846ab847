"""Whole lines of a file."""

from io import BytesIO

import pytest

from millrace.ingest.lines import Lines
from udfs.errors import DataError


def test_a_last_line_without_newline_waits_unless_it_counts() -> None:
    content = b"one\n\r\ntwo"
    waiting, counting = (
        Lines(BytesIO(content), "log", last_counts=False),
        Lines(BytesIO(content), "log", last_counts=True),
    )
    assert (list(waiting), waiting.end, waiting.ran_out) == ([b"one\n", b"\r\n"], 6, True)
    assert (list(counting), counting.end) == ([b"one\n", b"\r\n", b"two"], 9)


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b""], ids=["LF", "CRLF", "none"])
def test_the_largest_record_passes_and_a_larger_one_is_told_with_its_place(ending: bytes) -> None:
    def lines(size: int) -> Lines:
        found = Lines(BytesIO(b"a\n" + b"x" * size + ending), "log", last_counts=True, max_bytes=10)
        next(found)
        found.begin()
        return found

    assert len(next(lines(10)).rstrip()) == 10
    with pytest.raises(DataError, match=r"log: the record at byte 2 is larger than 10 bytes"):
        next(lines(11))


def test_the_lines_of_one_record_are_limited_together() -> None:
    lines = Lines(BytesIO(b"aaaaaa\nbbbbbb\n"), "log", max_bytes=10)
    next(lines)
    with pytest.raises(DataError, match="the record at byte 0"):
        next(lines)
