"""The record of the running stack: survives the command, tolerates its crash."""

import os
import sys
from pathlib import Path

import pytest

from millrace.stack.local import PartStatus, down, status
from millrace.stack.processes import ProcessHandle, start
from millrace.stack.record import Service, StackRecord
from udfs.errors import EnvironmentFault


def sleeper(state_dir: Path) -> ProcessHandle:
    argv = [sys.executable, "-c", "import time; time.sleep(60)"]
    return start("sleeper", argv, log_path=state_dir / "log")


def test_down_ends_what_another_command_recorded_and_forgets_it(tmp_path: Path) -> None:
    process = sleeper(tmp_path)
    StackRecord(tmp_path).add(Service("broker", "", process))
    StackRecord(tmp_path).publish({"kafka": {"bootstrap_servers": "a:1"}})
    stopped = down(tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert (stopped, process.alive(), left) == (["sleeper"], False, ["log", "stack.lock"])


def test_down_without_a_stack_does_nothing(tmp_path: Path) -> None:
    assert (down(tmp_path / "none"), (tmp_path / "none").exists()) == ([], False)


def test_status_tells_the_living_from_the_dead(tmp_path: Path) -> None:
    record, process = StackRecord(tmp_path), sleeper(tmp_path)
    gone = ProcessHandle("gone", os.getpid(), 1, tmp_path / "gone.log")
    record.add(Service("flink", "a:1", process))
    record.add(Service("flink", "a:1", gone))
    found = status(tmp_path)
    down(tmp_path)
    dead = [f"gone (log: {tmp_path / 'gone.log'})"]
    assert found == [PartStatus("flink", "a:1", [process.pid], dead)]


def test_two_commands_do_not_change_a_stack_at_once(tmp_path: Path) -> None:
    with StackRecord(tmp_path).locked(), pytest.raises(EnvironmentFault, match="another millrace"):
        down(tmp_path)


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text("[")
    with pytest.raises(EnvironmentFault, match=r"stack\.json is damaged"):
        status(tmp_path)
