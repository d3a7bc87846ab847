"""A `millrace` command that a demo runs beside itself, and how far it is."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from millrace.demo.plan import DemoFailed
from millrace.stack.processes import ProcessHandle, start

_PROGRESS = re.compile(r"^(\w[\w ]*?) ([\d,]+) of ([\d,]+)$")
_TAIL_BYTES = 65_536
_STOP_DEADLINE_S = 3.0


@dataclass(frozen=True)
class Progress:
    """How far a command is.

    Attributes:
        step: what it does now.
        share: of that step, 0 to 1; None while it has not said.

    >>> f"{Progress('fits', 0.5)}, {Progress('TensorFlow is loaded')}"
    'fits 50%, TensorFlow is loaded'
    """

    step: str
    share: float | None = None

    def __str__(self) -> str:
        return self.step if self.share is None else f"{self.step} {self.share:.0%}"


class Command:
    """A command that prints its progress in lines, and at its end a JSON object.

    Args:
        name: what it is, for messages.
        log_path: what it prints goes there.
    """

    def __init__(self, name: str, log_path: Path) -> None:
        self._name, self._log_path = name, log_path
        self._process: ProcessHandle | None = None

    @property
    def started(self) -> bool:
        """Whether it was started, however it went on."""
        return self._process is not None

    def start(self, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        """Starts `millrace` with the arguments, in an environment."""
        argv = [sys.executable, "-m", "millrace", *arguments]
        self._process = start(self._name, argv, log_path=self._log_path, env=env)

    def answer(self) -> dict[str, Any] | None:
        """The object it ended with, also with a status that is not 0; None while it runs.

        Raises:
            DemoFailed: it ended without one.
        """
        if self._process is None or self._process.alive():
            return None
        told = _last_object(self._log_path)
        if told is None:
            reason = self._process.reason().removeprefix("error: ")
            raise DemoFailed(f"the {self._name} failed (log: {self._log_path}): {reason}")
        return told

    def progress(self, before: str) -> Progress:
        """How far it is; `before` is what it does until it says something."""
        found = [_PROGRESS.match(line) for line in _tail(self._log_path)]
        last = next((match for match in reversed(found) if match), None)
        if last is None:
            return Progress(before)
        done, total = (int(number.replace(",", "")) for number in last.groups()[1:])
        return Progress(last[1], min(done / max(total, 1), 1.0))

    def stop(self) -> None:
        """Ends it when it still runs."""
        if self._process is not None:
            self._process.stop(deadline_s=_STOP_DEADLINE_S)


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as log:
            log.seek(max(path.stat().st_size - _TAIL_BYTES, 0))
            return log.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def _last_object(path: Path) -> dict[str, Any] | None:
    """The JSON object in the last line of a log."""
    lines = _tail(path)
    try:
        found = json.loads(lines[-1]) if lines else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
