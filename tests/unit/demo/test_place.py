"""The demo's folder: empty at the start, its own alone, other data untouched."""

import json
from pathlib import Path

import pytest

from millrace.demo.place import announced, fresh, local_settings, with_broker
from millrace.settings import Settings, load
from udfs.errors import EnvironmentFault


def settings(state_dir: Path) -> Settings:
    loaded = load()
    return loaded.model_copy(
        update={
            "stack": loaded.stack.model_copy(update={"state_dir": state_dir}),
            "kafka": loaded.kafka.model_copy(update={"bootstrap_servers": "far.away:9092"}),
        }
    )


def test_what_an_earlier_demo_left_is_gone_and_nothing_else(tmp_path: Path) -> None:
    for name in ("demo/kafka/data/topic", "kafka/data", "models/fraud/1"):
        (tmp_path / name).mkdir(parents=True)
    with fresh(settings(tmp_path)) as place:
        assert [path.name for path in place.iterdir()] == ["logs"]
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_dir()}
    assert {"kafka/data", "models/fraud/1", "demo/logs"} <= left


def test_a_second_demo_is_refused(tmp_path: Path) -> None:
    with fresh(settings(tmp_path)), pytest.raises(EnvironmentFault, match="another demo runs"):
        with fresh(settings(tmp_path)):
            pass


def test_a_failure_keeps_everything_for_a_look(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="failed"), fresh(settings(tmp_path)) as place:
        (place / "kafka" / "data").mkdir(parents=True)
        raise ValueError("failed")
    assert (tmp_path / "demo" / "kafka" / "data").is_dir()


def test_a_cluster_of_the_settings_is_not_touched(tmp_path: Path) -> None:
    user = settings(tmp_path)
    there = local_settings(user, tmp_path / "demo", 8501, features_topic=True)
    local = with_broker(there, "127.0.0.1:1")
    assert (local.kafka.bootstrap_servers, local.serving.target) == (
        "127.0.0.1:1",
        "127.0.0.1:8501",
    )
    assert (local.models_path, local.stack.state_dir) == (user.models_path, tmp_path / "demo")
    assert (local.archive_path, local.score.features_topic) == (tmp_path / "demo/archive", True)


def test_other_commands_find_the_demo_while_it_runs(tmp_path: Path) -> None:
    with announced(tmp_path, settings(tmp_path)) as found:
        told = json.loads((tmp_path / "addresses.json").read_text())
    assert (found, told["kafka"]) == (True, {"bootstrap_servers": "far.away:9092"})
    assert told["archive"] == {"path": str(tmp_path / "archive")}
    assert not (tmp_path / "addresses.json").exists()


def test_addresses_of_a_stack_that_came_up_meanwhile_stay(tmp_path: Path) -> None:
    with announced(tmp_path, settings(tmp_path)):
        (tmp_path / "addresses.json").write_text('{"kafka": {}}')
    assert (tmp_path / "addresses.json").read_text() == '{"kafka": {}}'
