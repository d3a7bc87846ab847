"""Markers of transactions that an archive remembers."""

import os
from pathlib import Path

import pytest

from millrace.archive import Archive, read
from millrace.archive.markers import keep_markers, known_markers
from tests.unit.archive.test_reading import rows
from tests.unit.archive.writing import put


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    archive = Archive(tmp_path, "fraud")
    put(archive, "a.parquet", [(0, 1), (1, 1)])
    return archive


def test_markers_are_joined_with_those_from_before(archive: Archive) -> None:
    assert known_markers(archive, "raw") == {}
    keep_markers(archive, "raw", {0: [(2, 2), (9, 12)], 1: []})
    keep_markers(archive, "raw", {0: [(3, 4)], 1: [(7, 7)]})
    assert known_markers(archive, "raw") == {0: [(2, 4), (9, 12)], 1: [(7, 7)]}


def test_they_are_no_file_of_records(archive: Archive) -> None:
    keep_markers(archive, "raw", {0: [(2, 2)]})
    assert rows(archive) == [(0, 1), (1, 1)]
    assert [len(batch) for batch in read(archive, "raw")] == [2]
    assert [path.suffix for path in (archive.path / "raw").iterdir() if path.is_file()] == [""]


def test_where_nothing_was_seen_nothing_is_written(archive: Archive, tmp_path: Path) -> None:
    before = sorted(os.walk(tmp_path))
    keep_markers(archive, "raw", {0: [], 1: []})
    keep_markers(archive, "labels", {0: [(1, 1)]})
    assert sorted(os.walk(tmp_path)) == before
