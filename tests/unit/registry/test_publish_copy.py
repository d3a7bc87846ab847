"""A candidate is published whole, once, and as it was judged."""

from pathlib import Path

import msgspec
import pytest

from millrace import registry
from millrace.version_directory import EXTRA, digest, is_whole, kind_of, manifest_at, served_bytes
from tests.unit.registry.version_folders import CANDIDATE_SEED, candidate, manifest, passed, publish
from udfs.errors import ConfigurationError, DataError, EnvironmentFault


def test_a_copy_gets_the_next_number_and_carries_the_verdict(tmp_path: Path) -> None:
    base = tmp_path / "models"
    publish(base)
    folder = candidate(tmp_path / "candidates")
    made = registry.publish_copy(base, folder, passed(folder))
    assert made == manifest(2, seed=CANDIDATE_SEED) == registry.manifest_of(base, "fraud", 2)
    assert registry.verdict_of(base, "fraud", 2) == passed(folder)
    assert registry.verdict_of(base, "fraud", 1) is None
    assert kind_of(base / "fraud" / "2") == "ONNX"
    assert digest(base / "fraud" / "2") == digest(folder)
    assert manifest_at(folder) == manifest(1, seed=CANDIDATE_SEED)


def test_a_number_of_ones_own_is_taken_unless_it_exists(tmp_path: Path) -> None:
    base, folder = tmp_path / "models", candidate(tmp_path / "candidates")
    publish(base)
    with pytest.raises(ConfigurationError, match="there is a version 1 of fraud already"):
        registry.publish_copy(base, folder, passed(folder), version=1)
    assert registry.publish_copy(base, folder, passed(folder), version=7).version == 7
    assert registry.versions(base, "fraud") == [1, 7]


def test_what_was_published_before_is_refused_by_its_number(tmp_path: Path) -> None:
    base, folder = tmp_path / "models", candidate(tmp_path / "candidates")
    registry.publish_copy(base, folder, passed(folder), version=4)
    with pytest.raises(ConfigurationError, match="was published before, as fraud:4"):
        registry.publish_copy(base, folder, passed(folder))


def test_what_changed_since_it_was_judged_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    base, folder = tmp_path / "models", candidate(tmp_path / "candidates")
    verdict = passed(folder)
    (folder / "model.onnx").write_bytes(b"another graph")
    with pytest.raises(DataError, match="has changed since it was judged"):
        registry.publish_copy(base, folder, verdict)
    assert list((base / "fraud").iterdir()) == []


def test_a_copy_is_seen_only_when_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, folder = tmp_path / "models", candidate(tmp_path / "candidates")
    rename, seen = Path.rename, []

    def look_and_rename(self: Path, target: Path) -> Path:
        numbers = [path.name for path in (base / "fraud").iterdir() if path.name.isdigit()]
        seen.append((numbers, is_whole(self)))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", look_and_rename)
    registry.publish_copy(base, folder, passed(folder))
    assert (seen, registry.versions(base, "fraud")) == ([([], True)], [1])


def test_a_copy_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    base, folder = tmp_path / "models", candidate(tmp_path / "candidates")
    verdict = passed(folder)
    (folder / "weights").symlink_to(tmp_path / "nowhere")
    with pytest.raises(EnvironmentFault, match="cannot be copied"):
        registry.publish_copy(base, folder, verdict)
    assert list((base / "fraud").iterdir()) == []


@pytest.mark.parametrize(
    ("left", "message"),
    [
        ((), "there is no directory"),
        (("notes.txt",), "neither saved_model.pb nor model.onnx"),
        (("model.onnx",), "has no assets.extra/manifest.json"),
    ],
    ids=["no directory", "no graph", "no manifest"],
)
def test_a_directory_that_is_no_version_is_told(
    tmp_path: Path, left: tuple[str, ...], message: str
) -> None:
    folder = tmp_path / "exported"
    for name in left:
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")
    with pytest.raises(DataError, match=message):
        manifest_at(folder)


def test_a_broken_verdict_is_told_by_its_file(tmp_path: Path) -> None:
    folder = candidate(tmp_path)
    (folder / EXTRA / "gate.json").write_bytes(msgspec.json.encode({"outcome": "perhaps"}))
    with pytest.raises(DataError, match=r"gate\.json is no Verdict"):
        registry.verdict_of(tmp_path, "fraud", 1)


def test_the_size_is_that_of_what_a_server_loads(tmp_path: Path) -> None:
    assert served_bytes(candidate(tmp_path)) == len(b"an ONNX graph")
