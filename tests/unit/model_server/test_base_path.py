"""What counts as a version under a base path."""

from pathlib import Path

import pytest

from millrace.model_server.base_path import content_stamp, versions

GRAPH_FILES = ("saved_model.pb", "saved_model.pbtxt")


@pytest.mark.parametrize(
    ("name", "file", "found"),
    [
        ("1", "saved_model.pb", {1}),
        ("0012", "saved_model.pb", {12}),
        ("3", "saved_model.pbtxt", {3}),
        ("20180101000000", "saved_model.pb", {20180101000000}),
        ("1", "variables", set()),
        ("v1", "saved_model.pb", set()),
        ("1.tmp", "saved_model.pb", set()),
        ("-1", "saved_model.pb", set()),
        ("²", "saved_model.pb", set()),
    ],
)
def test_version_directory_is_a_number_with_a_graph(
    tmp_path: Path, name: str, file: str, found: set[int]
) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / file).touch()
    assert set(versions(tmp_path, GRAPH_FILES)) == found


def test_missing_base_path_has_no_versions(tmp_path: Path) -> None:
    assert versions(tmp_path / "nowhere", GRAPH_FILES) == {}


def test_stamp_changes_with_the_content(tmp_path: Path) -> None:
    file = tmp_path / "variables" / "data"
    file.parent.mkdir()
    file.write_bytes(b"1")
    before = content_stamp(tmp_path)
    file.write_bytes(b"12")
    assert before != content_stamp(tmp_path) == content_stamp(tmp_path)
