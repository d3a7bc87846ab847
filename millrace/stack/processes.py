"""Operating-system processes of the local stack: started, watched and ended by their id."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from millrace.stack import bound
from udfs.errors import EnvironmentFault

_POLL_SECONDS = 0.05
_TAIL_LINES = 5
# An exception with its message, in Java's and in Python's way of printing it.
_EXCEPTION = re.compile(r"^(?:Caused by: |Exception in thread .*? )?[\w.$]*(?:Exception|Error): ")


@dataclass(frozen=True)
class ProcessHandle:
    """A running process, told apart from a later one that was given the same id.

    Attributes:
        name: what the process is, for messages.
        pid: process id; also the id of its process group when Millrace started it.
        started_ticks: start time in clock ticks since boot, as /proc states it.
        log_path: where its standard output and error go.
    """

    name: str
    pid: int
    started_ticks: int
    log_path: Path

    def alive(self) -> bool:
        """True while the process runs; a process that ended but was not reaped counts as ended."""
        _reap(self.pid)
        status = _status(self.pid)
        return status is not None and status == (self.started_ticks, True)

    def stop(self, deadline_s: float = 15.0) -> None:
        """Ends the process: SIGTERM, then SIGKILL to its whole group after the deadline."""
        if self.alive():
            os.kill(self.pid, signal.SIGTERM)
            wait_until(lambda: not self.alive(), deadline_s)
        # Also after a clean end: Python workers of a TaskManager live in its group.
        self.kill()

    def kill(self) -> None:
        """Ends the process and what it started at once (SIGKILL to its group)."""
        for pid in group_members(self.pid, since_ticks=self.started_ticks):
            _send(pid, signal.SIGKILL)
        wait_until(lambda: not self.alive(), 5.0)

    def log_tail(self) -> str:
        """The last lines of the log; empty without a log."""
        if not self.log_path.exists():
            return ""
        lines = self.log_path.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])

    def reason(self) -> str:
        """The line of the log that most likely says why the process ended."""
        if not self.log_path.exists():
            return failure_reason("")
        return failure_reason(self.log_path.read_text(errors="replace"))


def start(
    name: str,
    argv: Sequence[str],
    *,
    log_path: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    dies_with_owner: bool = True,
) -> ProcessHandle:
    """Starts a process in a session of its own, so that Ctrl-C reaches its owner only.

    Args:
        name: what the process is, for messages.
        argv: program and arguments.
        log_path: standard output and error go here; the log of the run before is kept beside it.
        env: the whole environment; this process's own when None.
        cwd: working directory.
        dies_with_owner: end it (SIGTERM) when this process dies, in whatever way.
    """
    if shutil.which(argv[0]) is None:
        raise EnvironmentFault(f"cannot start {name}: {argv[0]} is not an executable program")
    log_path.parent.mkdir(parents=True, exist_ok=True)
    if log_path.exists():  # of an earlier run; its errors are not this one's
        log_path.replace(log_path.with_name(f"{log_path.name}.previous"))
    binding = [sys.executable, "-I", "-S", bound.__file__, str(os.getpid())]
    command = [*(binding if dies_with_owner else []), *argv]

    def spawn() -> int:
        with log_path.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(env) if env is not None else None,
                cwd=cwd,
                start_new_session=True,
            )
        # The handle reaps by id; without this Popen would warn about a process still running.
        process.returncode = 0
        return process.pid

    pid = _spawner().submit(spawn).result()
    status = _status(pid)
    return ProcessHandle(name, pid, status[0] if status else 0, log_path)


def failure_reason(output: str) -> str:
    r"""The line of a program's output that most likely says why it failed.

    >>> failure_reason("starting\njava.io.IOException: no disk\n\tat Main.java:3\n")
    'java.io.IOException: no disk'
    >>> failure_reason("")
    'it gave no reason'
    """
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith(("\t", " "))]
    exceptions = [line for line in said if _EXCEPTION.match(line)]
    return (exceptions or said or ["it gave no reason"])[-1]


def wait_until(condition: Callable[[], bool], deadline_s: float) -> bool:
    """True as soon as the condition holds, False when it did not hold before the deadline."""
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() >= end:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def group_members(group: int, since_ticks: int = 0) -> list[int]:
    """Ids of the living processes of a group that started at or after the given tick."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        fields = _stat_fields(int(entry.name))
        # Fields after the command name: state, ppid, pgrp, ...; start time is the 20th.
        if fields and int(fields[2]) == group and int(fields[19]) >= since_ticks:
            if fields[0] not in "ZX":
                found.append(int(entry.name))
    return found


@cache
def _spawner() -> ThreadPoolExecutor:
    """One thread that lives as long as this process.

    Linux sends the parent-death signal when the *thread* that forked ends, so a broker that a
    short-lived worker thread started would die with that thread.
    """
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="millrace-spawner")


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return  # not ours: started by an earlier command, or reaped before


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _status(pid: int) -> tuple[int, bool] | None:
    """(start ticks, still running) of a process id, None when there is none."""
    fields = _stat_fields(pid)
    return (int(fields[19]), fields[0] not in "ZX") if fields else None


def _stat_fields(pid: int) -> list[str]:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []
    # The command name stands in parentheses and may hold spaces and parentheses itself.
    return stat.rpartition(")")[2].split()
