"""The JVM of Flink's mini-cluster and its Python workers, which have to end with the demo."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from millrace.stack.processes import wait_until

LOG_VARIABLE = "FLINK_LOG_DIR"
_MAIN_CLASS = b"org.apache.flink.client.python.PythonGatewayServer"
_WORKERS = b"pyflink"
_DEADLINE_S = 10.0
_WORKERS_DEADLINE_S = 1.0


def end_jvm(log_dir: Path) -> None:
    """Ends the JVM that logs to a folder, then the Python workers that it left.

    A JVM that is ended while its job runs may start workers anew at the last moment, and then
    nobody is their parent. All of them inherited the folder's name in their environment.
    """
    _send(_running(log_dir, _MAIN_CLASS), signal.SIGTERM)
    _gone(log_dir, _MAIN_CLASS, _DEADLINE_S)
    for word in (_MAIN_CLASS, _WORKERS):
        if not _gone(log_dir, word, _WORKERS_DEADLINE_S):
            _send(_running(log_dir, word), signal.SIGKILL)
            _gone(log_dir, word, _DEADLINE_S)


def _gone(log_dir: Path, word: bytes, deadline_s: float) -> bool:
    return wait_until(lambda: not _running(log_dir, word), deadline_s)


def _running(log_dir: Path, word: bytes) -> list[int]:
    """Processes that log to the folder and have the word in their command line."""
    mark = f"{LOG_VARIABLE}={log_dir}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            # One that ended meanwhile has neither, nor has one that nobody waited for.
            with suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    if word in (entry / "cmdline").read_bytes():
                        found.append(int(entry.name))
    return found


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
