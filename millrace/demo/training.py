"""The training of a demo: `millrace train` in a process of its own, and how far it is."""

import json
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from millrace.demo.plan import DemoFailed, Plan
from millrace.manifest import Manifest
from millrace.registry import manifest_of, versions
from millrace.settings import Settings
from millrace.stack.processes import ProcessHandle, start

_DAYS = 45
_EPOCHS = 12
_PROGRESS = re.compile(r"^(\w[\w ]*?) ([\d,]+) of ([\d,]+)$")
_TAIL_BYTES = 65_536


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Attributes:
        step: what it does now.
        share: of that step, 0 to 1.
    """

    step: str
    share: float


class Training:
    """A `millrace train` that publishes the next version.

    Attributes:
        published: the version's manifest, None until it is there.
        seconds: how long it took.
    """

    def __init__(self, plan: Plan, models_path: Path, log_path: Path) -> None:
        """Starts nothing."""
        self.published: Manifest | None = None
        self.seconds = 0.0
        self._plan, self._models_path, self._log_path = plan, models_path, log_path
        self._process: ProcessHandle | None = None
        self._since = 0.0

    @property
    def started(self) -> bool:
        """Whether it was started, however it went on."""
        return self._process is not None

    def start(self) -> None:
        """Starts it."""
        plan = self._plan
        argv = [sys.executable, "-m", "millrace", "train", plan.use_case_name, "--json"]
        argv += [f"--count={plan.train_count}", f"--days={_DAYS}", f"--epochs={_EPOCHS}"]
        argv += [f"--seed={plan.seed}"]
        env = {**os.environ, "MILLRACE_MODELS__BASE_PATH": str(self._models_path)}
        self._since = time.monotonic()
        self._process = start("training", argv, log_path=self._log_path, env=env)

    def check(self) -> None:
        """Takes the published version once it is there.

        Raises:
            DemoFailed: the training ended without one.
        """
        if self.published or self._process is None or self._process.alive():
            return
        told = _last_object(self._log_path)
        if told is None:
            reason = self._process.reason().removeprefix("error: ")
            raise DemoFailed(f"the training failed (log: {self._log_path}): {reason}")
        version = int(told["manifest"]["version"])
        self.published = manifest_of(
            self._models_path, self._plan.use_case.model.model_name, version
        )
        self.seconds = time.monotonic() - self._since

    def progress(self) -> Progress | None:
        """How far it is; None before its start and after its end."""
        if self._process is None or self.published:
            return None
        found = [_PROGRESS.match(line) for line in _tail(self._log_path)]
        last = next((match for match in reversed(found) if match), None)
        if last is None:
            return Progress("TensorFlow is loaded", 0.0)
        done, total = (int(number.replace(",", "")) for number in last.groups()[1:])
        return Progress(last[1], min(done / max(total, 1), 1.0))

    def stop(self) -> None:
        """Ends it when it still runs."""
        if self._process is not None:
            self._process.stop(deadline_s=3.0)


def newest_version(settings: Settings, plan: Plan) -> Manifest | None:
    """The manifest of the newest published version, None when there is no version."""
    name = plan.use_case.model.model_name
    if not versions(settings.models_path, name):
        return None
    return manifest_of(settings.models_path, name)


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
