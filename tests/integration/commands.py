"""Runs commands as a user types them, against the broker of the tests."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from millrace.stack.processes import group_members
from tests.integration.scoring import wait_until

Env = dict[str, str]
DEADLINE_S = 150  # a few seconds on a machine that does nothing else


def environment(bootstrap_servers: str, **settings: str) -> Env:
    """Environment of the commands; `archive__path="x"` stands for MILLRACE_ARCHIVE__PATH."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("MILLRACE_")}
    given = {"kafka__bootstrap_servers": bootstrap_servers, "kafka__partitions": "2", **settings}
    return {**own, **{f"MILLRACE_{name.upper()}": value for name, value in given.items()}}


def millrace(
    folder: Path, env: Env, *arguments: str, status: int = 0
) -> subprocess.CompletedProcess[str]:
    """A command that has to end with a status."""
    command = [sys.executable, "-m", "millrace", *arguments]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def interrupted(folder: Path, env: Env, *arguments: str, when: Callable[[], bool]) -> None:
    """Runs a command without end, presses Ctrl-C once a condition holds; nothing may be left."""
    command = [sys.executable, "-m", "millrace", *arguments]
    with (folder / "run.log").open("ab") as log:
        run = subprocess.Popen(command, cwd=folder, env=env, stderr=log, start_new_session=True)
    try:
        wait_until(when, "what the command is to have done", DEADLINE_S)
        os.killpg(run.pid, signal.SIGINT)  # as in a terminal: to the whole group
        assert run.wait(DEADLINE_S) == 130
        # Flink's JVM sees the end of its client and follows.
        wait_until(lambda: group_members(run.pid) == [], "no process left", DEADLINE_S)
    finally:
        for pid in group_members(run.pid):
            os.kill(pid, signal.SIGKILL)
        run.wait()
