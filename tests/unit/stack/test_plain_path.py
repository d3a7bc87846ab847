"""Paths that Flink's worker script can take."""

from pathlib import Path

import pytest

from millrace.plain_path import plain_path


def test_a_path_with_spaces_gets_a_link_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    folder = tmp_path / "My Projects"
    folder.mkdir()
    (folder / "here").touch()
    link = plain_path(folder)
    assert (" " in str(link), (link / "here").exists(), plain_path(folder)) == (False, True, link)


def test_another_path_stays_as_it_is(tmp_path: Path) -> None:
    assert plain_path(tmp_path) == tmp_path
