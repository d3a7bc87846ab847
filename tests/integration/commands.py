"""Runs commands as a user types them, against the broker of the tests."""

import os
import subprocess
import sys
from pathlib import Path

Env = dict[str, str]


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
