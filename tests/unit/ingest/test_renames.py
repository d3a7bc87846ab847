"""A file is known by its beginning and by the end of what was ingested."""

from pathlib import Path

import pytest

from millrace.ingest.positions import HEAD_BYTES, Position, content
from millrace.ingest.renames import moves
from udfs.errors import DataError

LONG = b"".join(b"line %d\n" % n for n in range(2 * HEAD_BYTES))


def ingested(path: Path, some: bytes) -> Position:
    """Writes a file and gives the position at its end."""
    path.write_bytes(some)
    with path.open("rb") as file:
        return Position(str(path), content(file.fileno(), len(some)), some.count(b"\n"), None)


def test_a_file_that_grew_stays_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a"
    known = {str(path): ingested(path, LONG)}
    path.write_bytes(LONG + b"more\n")
    assert moves([path], known) == {}


def test_a_rotation_of_several_files_is_recognised(tmp_path: Path) -> None:
    log, one, two = (tmp_path / name for name in ("log", "log.1", "log.2"))
    known = {str(path): ingested(path, b"%s\n" % path.name.encode()) for path in (log, one)}
    one.rename(two)
    log.rename(one)
    log.write_bytes(b"new\n")
    assert moves([log, one, two], known) == {
        str(one): known[str(log)],
        str(two): known[str(one)],
    }


def test_of_two_positions_that_a_new_name_fits_the_longer_one_counts(tmp_path: Path) -> None:
    short, long, new = (tmp_path / name for name in ("short", "long", "new"))
    known = {str(short): ingested(short, b"a\n"), str(long): ingested(long, b"a\nb\n")}
    short.unlink()
    long.rename(new)
    assert moves([new], known) == {str(new): known[str(long)]}


@pytest.mark.parametrize(
    ("now", "message"),
    [
        (LONG[:-10], r"a shrank to [\d,]+ bytes, of which [\d,]+ were ingested before; give a"),
        (b"x" + LONG[1:], r"a no longer begins with the [\d,]+ bytes that were ingested before"),
        (LONG[:-2] + b"x\n", r"a no longer begins with the [\d,]+ bytes that were ingested"),
        (b"", r"a shrank to 0 bytes"),
    ],
    ids=["shrank", "other beginning", "other end", "emptied"],
)
def test_a_file_that_is_not_what_it_was_is_refused(
    tmp_path: Path, now: bytes, message: str
) -> None:
    path = tmp_path / "a"
    known = {str(path): ingested(path, LONG)}
    path.write_bytes(now)
    with pytest.raises(DataError, match=message):
        moves([path], known)


def test_a_copy_is_refused_while_the_file_is_there(tmp_path: Path) -> None:
    path, copy = tmp_path / "a", tmp_path / "b"
    known = {str(path): ingested(path, LONG)}
    copy.write_bytes(LONG + b"more\n")
    with pytest.raises(DataError, match=r"b begins with the .* ingested as .*a: it is a copy"):
        moves([copy], known)


def test_two_copies_of_a_file_that_is_gone_are_refused(tmp_path: Path) -> None:
    path, one, two = (tmp_path / name for name in ("a", "b", "c"))
    known = {str(path): ingested(path, LONG)}
    path.rename(one)
    two.write_bytes(LONG)
    with pytest.raises(DataError, match=r"c begins with the .* ingested as .*b: it is a copy"):
        moves([one, two], known)


def test_files_that_only_begin_alike_are_different(tmp_path: Path) -> None:
    path, other = tmp_path / "a", tmp_path / "b"
    known = {str(path): ingested(path, LONG + b"one\n")}
    other.write_bytes(LONG + b"two\n")
    assert moves([path, other], known) == {}
