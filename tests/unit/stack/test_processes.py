"""Processes: told apart, ended whole, and gone with their owner unless meant to stay."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from millrace.stack.processes import ProcessHandle, group_members, start, wait_until
from udfs.errors import EnvironmentFault

SLEEP = "import time; time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('ready', flush=True); time.sleep(60)"
)
PARENT = (
    "import subprocess, sys, time; "
    "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    "print('ready', flush=True); time.sleep(60)"
)
OWNER = """
import sys, time, threading
from pathlib import Path
from millrace.stack.processes import start

def begin():
    handle = start("child", [sys.executable, "-c", "import time; time.sleep(60)"],
                   log_path=Path(sys.argv[1]), dies_with_owner=sys.argv[2] == "bound")
    print(handle.pid, handle.started_ticks, flush=True)

# A short-lived thread: the kernel's request must not hang on it.
worker = threading.Thread(target=begin)
worker.start()
worker.join()
time.sleep(60)
"""


def python(code: str, log: Path) -> ProcessHandle:
    return start("test process", [sys.executable, "-c", code], log_path=log)


def ready(log: Path) -> bool:
    return wait_until(lambda: log.exists() and "ready" in log.read_text(), 10)


def test_a_process_is_alive_until_it_is_stopped(tmp_path: Path) -> None:
    process = python(SLEEP, tmp_path / "log")
    before = process.alive()
    process.stop()
    assert (before, process.alive()) == (True, False)


def test_a_process_that_ends_by_itself_is_not_alive(tmp_path: Path) -> None:
    process = python("print('last words')", tmp_path / "log")
    assert wait_until(lambda: not process.alive(), 10)
    assert process.reason() == "last words"


def test_one_that_ignores_sigterm_is_killed_after_the_deadline(tmp_path: Path) -> None:
    process = python(STUBBORN, tmp_path / "log")
    assert ready(tmp_path / "log")
    process.stop(deadline_s=0.2)
    assert not process.alive()


def test_what_it_started_ends_with_it(tmp_path: Path) -> None:
    process = python(PARENT, tmp_path / "log")
    assert ready(tmp_path / "log")
    before = len(group_members(process.pid))
    process.stop()
    assert wait_until(lambda: not group_members(process.pid), 5)
    assert before == 2


def test_what_it_started_is_swept_up_even_after_a_kill_from_outside(tmp_path: Path) -> None:
    process = python(PARENT, tmp_path / "log")
    assert ready(tmp_path / "log")
    os.kill(process.pid, signal.SIGKILL)
    assert wait_until(lambda: not process.alive(), 5)
    process.stop()
    assert wait_until(lambda: not group_members(process.pid), 5)


def test_another_process_of_the_same_id_is_left_alone(tmp_path: Path) -> None:
    process = python(SLEEP, tmp_path / "log")
    earlier = replace(process, started_ticks=process.started_ticks - 1)
    earlier.stop()
    assert (earlier.alive(), process.alive()) == (False, True)
    process.stop()


@pytest.mark.parametrize(("kind", "survives"), [("bound", False), ("free", True)])
def test_a_killed_owner_takes_only_bound_children_along(
    kind: str, survives: bool, tmp_path: Path
) -> None:
    argv = [sys.executable, "-c", OWNER, str(tmp_path / "log"), kind]
    owner = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pid, ticks = map(int, owner.stdout.readline().split())
    child = ProcessHandle("child", pid, ticks, tmp_path / "log")
    alive_before = child.alive()
    owner.kill()
    owner.communicate()
    ended = wait_until(lambda: not child.alive(), 5 if not survives else 0.5)
    child.kill()
    assert (alive_before, ended) == (True, not survives)


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="cannot start thing: /no/such is not an exec"):
        start("thing", ["/no/such"], log_path=tmp_path / "log")
