"""Keeps the terminal for the demo: what JVM, workers and libraries print goes to a log."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO


@dataclass(frozen=True)
class Terminal:
    """The standard output and error that the command was started with."""

    out: TextIO
    err: TextIO


@contextmanager
def kept_for_demo(log_path: Path) -> Iterator[Terminal]:
    """The real standard streams, while file descriptors 1 and 2 lead to the log.

    Child processes inherit the descriptors, so this holds back their output as well.
    """
    _flush()
    out, err = os.dup(1), os.dup(2)
    with log_path.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    terminal = Terminal(
        os.fdopen(os.dup(out), "w", encoding="utf-8"), os.fdopen(os.dup(err), "w", encoding="utf-8")
    )
    try:
        yield terminal
    finally:
        _flush()
        for saved, number in ((out, 1), (err, 2)):
            os.dup2(saved, number)
            os.close(saved)
        _close(terminal)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


def _close(terminal: Terminal) -> None:
    for stream in (terminal.out, terminal.err):
        try:
            stream.close()
        except BrokenPipeError:
            continue  # who read it has gone; the command ends with that status anyway
