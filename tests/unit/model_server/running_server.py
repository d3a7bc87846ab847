"""A real model server process for tests, and a way to wait for what it does."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

START_DEADLINE_S = 60.0


@dataclass
class ServerProcess:
    """A running server.

    Attributes:
        process: the process; it ends with the block that started it.
        target: `host:port` that it listens on.
        log_path: its standard error.
    """

    process: subprocess.Popen[bytes]
    target: str
    log_path: Path

    def log(self) -> str:
        """What the server logged so far."""
        return self.log_path.read_text()


def arguments(*flags: str) -> list[str]:
    return [sys.executable, "-m", "millrace.model_server", *flags]


def run_to_its_end(*flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments(*flags), capture_output=True, text=True, timeout=START_DEADLINE_S, check=False
    )


@contextmanager
def started(log_path: Path, *flags: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server process that may not listen yet."""
    with (
        log_path.open("wb") as log,
        subprocess.Popen(arguments("--port=0", *flags), stdout=subprocess.PIPE, stderr=log) as run,
    ):
        try:
            yield run
        finally:
            run.kill()


@contextmanager
def running(log_path: Path, *flags: str) -> Iterator[ServerProcess]:
    """A server that listens."""
    with started(log_path, *flags) as process:
        yield ServerProcess(process, listening(process), log_path)


def listening(process: subprocess.Popen[bytes]) -> str:
    """The address that the server prints once it listens."""
    stream = process.stdout
    assert stream is not None
    line = _line(stream, START_DEADLINE_S)
    assert line.startswith("listening on "), line
    return line.removeprefix("listening on ").strip()


def _line(stream: IO[bytes], deadline_s: float) -> str:
    end = time.monotonic() + deadline_s
    read = b""
    while not read.endswith(b"\n"):
        ready, _, _ = select.select([stream], [], [], max(0.0, end - time.monotonic()))
        chunk = os.read(stream.fileno(), 1024) if ready else b""
        if not chunk:
            raise AssertionError(f"the server did not say that it listens: {read!r}")
        read += chunk
    return read.decode()


def wait_until(condition: Callable[[], bool], deadline_s: float = 20.0) -> float:
    """Seconds until the condition held."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < deadline_s, "the condition did not come true in time"
        select.select([], [], [], 0.01)
    return time.monotonic() - start


def flags_for(name: str, base_path: Path, *more: str) -> Sequence[str]:
    return [f"--model_name={name}", f"--model_base_path={base_path}", *more]
