"""The JVM of Flink's mini-cluster: a child of this process that has to end with the demo."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from millrace.stack.processes import wait_until

_MAIN_CLASS = b"org.apache.flink.client.python.PythonGatewayServer"
_DEADLINE_S = 10.0

Process = tuple[int, int]
"""Process id and start time in clock ticks: a later process of the same id is another one."""


def end_jvm() -> None:
    """Ends the JVM that PyFlink started in this process, and the Python workers under it."""
    for jvm in _children(os.getpid()):
        if _MAIN_CLASS in _command(jvm[0]):
            family = [jvm, *_descendants(jvm[0])]
            _send(jvm, signal.SIGTERM)
            _wait_for_end(family)
            for process in _running(family):
                _send(process, signal.SIGKILL)
            _wait_for_end(family)


def _wait_for_end(family: list[Process]) -> None:
    wait_until(lambda: not _running(family), _DEADLINE_S)


def _descendants(pid: int) -> Iterator[Process]:
    for child in _children(pid):
        yield child
        yield from _descendants(child[0])


def _children(pid: int) -> list[Process]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _fields(int(entry.name))
            if fields and int(fields[1]) == pid and fields[0] not in "ZX":
                found.append((int(entry.name), int(fields[19])))
    return found


def _running(processes: list[Process]) -> list[Process]:
    return [
        process
        for process in processes
        if (fields := _fields(process[0]))
        and int(fields[19]) == process[1]
        and fields[0] not in "ZX"
    ]


def _send(process: Process, number: signal.Signals) -> None:
    if _running([process]):
        with suppress(ProcessLookupError):
            os.kill(process[0], number)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _fields(pid: int) -> list[str]:
    """State, parent, group and so on of a process as `/proc` states them; empty without one."""
    try:
        # The command's name stands in parentheses and may hold anything.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
