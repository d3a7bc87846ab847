"""Versions appear whole or not at all; what is half-written is no version."""

import shutil
import stat
from pathlib import Path

import msgspec
import pytest

from millrace import registry
from millrace.manifest import read_manifest, write
from millrace.version_directory import EXTRA, MANIFEST
from tests.unit.registry.version_folders import GOLDEN, manifest, publish, save
from udfs.errors import ConfigurationError, DataError, EnvironmentFault


def test_a_manifest_survives_writing_and_reading(tmp_path: Path) -> None:
    write(manifest(3), tmp_path / "manifest.json")
    assert read_manifest(tmp_path / "manifest.json") == manifest(3)


def test_versions_count_up_and_carry_their_number(tmp_path: Path) -> None:
    assert [publish(tmp_path).version for _ in range(3)] == [1, 2, 3]
    assert registry.versions(tmp_path, "fraud") == [1, 2, 3]
    assert registry.manifest_of(tmp_path, "fraud", 2) == manifest(2)
    assert registry.manifest_of(tmp_path, "fraud") == manifest(3)
    assert registry.golden_rows_of(tmp_path, "fraud", 3) == GOLDEN


def test_a_version_is_renamed_into_place_when_it_is_whole(tmp_path: Path) -> None:
    seen: list[list[int]] = []

    def look_and_save(folder: Path) -> None:
        save(folder)
        seen.append(registry.versions(tmp_path, "fraud"))
        assert not any(path.name.isdigit() for path in (tmp_path / "fraud").iterdir())

    registry.publish(tmp_path, manifest(), GOLDEN, look_and_save)
    assert seen == [[]]
    assert registry.versions(tmp_path, "fraud") == [1]
    assert stat.S_IMODE((tmp_path / "fraud" / "1").stat().st_mode) == 0o755


def test_a_save_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        save(folder)
        raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError, match="on fire"):
        registry.publish(tmp_path, manifest(), GOLDEN, fail)
    assert list((tmp_path / "fraud").iterdir()) == []


def test_another_writer_that_takes_the_number_first_is_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path)
    other = tmp_path / "fraud" / "2"
    rename = Path.rename

    def late(self: Path, target: Path) -> Path:
        if not other.exists():
            shutil.copytree(tmp_path / "fraud" / "1", other)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)
    assert publish(tmp_path).version == 3
    assert registry.manifest_of(tmp_path, "fraud", 3).version == 3


@pytest.mark.parametrize(
    "leftover",
    ["7/variables/variables.index", "7/saved_model.pb", "7/assets.extra/manifest.json", "7/x"],
)
def test_a_half_written_directory_is_no_version_and_its_number_is_not_taken(
    tmp_path: Path, leftover: str
) -> None:
    publish(tmp_path)
    file = tmp_path / "fraud" / leftover
    file.parent.mkdir(parents=True)
    file.write_bytes(b"{}")
    assert registry.versions(tmp_path, "fraud") == [1]
    assert publish(tmp_path).version == 8


@pytest.mark.parametrize("name", [".staging-abc", "v2", "1.5", "²", "01", "-1"])
def test_directories_that_are_not_named_by_a_number_are_not_looked_at(
    tmp_path: Path, name: str
) -> None:
    publish(tmp_path)
    shutil.copytree(tmp_path / "fraud" / "1", tmp_path / "fraud" / name)
    assert registry.versions(tmp_path, "fraud") == [1]


def test_models_without_a_version_are_not_listed(tmp_path: Path) -> None:
    publish(tmp_path, "fraud")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    assert registry.model_names(tmp_path) == ["fraud"]
    assert registry.model_names(tmp_path / "nowhere") == []


def test_a_missing_version_is_told_with_those_there_are(tmp_path: Path) -> None:
    publish(tmp_path)
    with pytest.raises(ConfigurationError, match=r"no model version 9 of fraud .*versions are 1"):
        registry.manifest_of(tmp_path, "fraud", 9)
    with pytest.raises(ConfigurationError, match=r"no model 'ghost' .*: there are fraud"):
        registry.manifest_of(tmp_path, "ghost")
    with pytest.raises(ConfigurationError, match=r"no model 'fruad' .*did you mean 'fraud'\?"):
        registry.manifest_of(tmp_path, "fruad", 1)
    with pytest.raises(ConfigurationError, match="there is none yet"):
        registry.manifest_of(tmp_path / "none", "fraud")


def test_a_model_is_a_folder_right_under_the_base_path(tmp_path: Path) -> None:
    publish(tmp_path)
    with pytest.raises(ConfigurationError, match=r"no model '\.\./\w+/fraud' under"):
        registry.manifest_of(tmp_path, f"../{tmp_path.name}/fraud")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"{}", b"\xff", msgspec.json.encode({"model_name": "fraud", "extra": 1})],
)
def test_a_broken_manifest_is_told_by_its_file(tmp_path: Path, content: bytes) -> None:
    publish(tmp_path)
    file = tmp_path / "fraud" / "1" / EXTRA / MANIFEST
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"manifest\.json is no Manifest"):
        registry.manifest_of(tmp_path, "fraud", 1)


def test_a_copied_manifest_is_refused(tmp_path: Path) -> None:
    publish(tmp_path)
    shutil.copytree(tmp_path / "fraud" / "1", tmp_path / "fraud" / "2")
    with pytest.raises(DataError, match="is the manifest of fraud:1"):
        registry.manifest_of(tmp_path, "fraud", 2)


def test_a_base_path_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file, not a folder")
    with pytest.raises(EnvironmentFault, match="cannot be written"):
        publish(tmp_path / "models")
