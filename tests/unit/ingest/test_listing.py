"""Which files are meant."""

import os
from pathlib import Path

import pytest

from millrace.ingest.listing import Listing
from udfs.errors import ConfigurationError


def names(listing: Listing) -> list[tuple[str, str, bool]]:
    return [(file.path.name, file.format, file.listed) for file in listing()]


def test_a_directory_gives_its_files_by_age_and_notes_what_it_leaves_out(tmp_path: Path) -> None:
    for age, name in enumerate(("c.csv", "b.ndjson", "a.jsonl", ".hidden.csv", "notes.txt")):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, ns=(age, age))
    (tmp_path / "folder.csv").mkdir()
    listing = Listing([tmp_path])
    assert names(listing) == [
        ("c.csv", "csv", True),
        ("b.ndjson", "jsonl", True),
        ("a.jsonl", "jsonl", True),
    ]
    assert listing.skipped == {tmp_path / "notes.txt"}


def test_pattern_and_format_choose_in_a_directory(tmp_path: Path) -> None:
    for age, name in enumerate(("app.log.1", "app.log", "other.log")):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, ns=(age, age))
    listing = Listing([tmp_path], "jsonl", "app.log*")
    assert names(listing) == [("app.log.1", "jsonl", True), ("app.log", "jsonl", True)]


def test_a_file_that_is_named_is_no_growing_one_and_counts_once(tmp_path: Path) -> None:
    file, link = tmp_path / "a.csv", tmp_path / "b.csv"
    file.touch()
    link.symlink_to(file)
    assert names(Listing([link, tmp_path, file])) == [("a.csv", "csv", False)]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.csv", "there is no file or directory .*nowhere.csv"),
        ("a.txt", "the name of .*a.txt does not tell its format; give --format csv or jsonl"),
        ("x" * 300, "cannot read .*xx: File name too long"),
        ("pipe", "pipe is neither a file nor a directory"),
    ],
)
def test_what_cannot_be_read_is_told(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigurationError, match=message):
        Listing([tmp_path / name])()
