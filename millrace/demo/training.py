"""The first training of a demo: `millrace train` on the generator's history."""

import os
import time
from datetime import datetime, timezone
from pathlib import Path

from millrace.demo.command import Command, Progress
from millrace.demo.plan import Plan
from millrace.manifest import Manifest
from millrace.registry import manifest_of, versions
from millrace.settings import Settings

DAYS = 45
EPOCHS = 12


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
        self._plan, self._models_path = plan, models_path
        self._command = Command("training", log_path)
        self._since = 0.0

    @property
    def started(self) -> bool:
        """Whether it was started, however it went on."""
        return self._command.started

    def start(self, until_ms: int | None) -> None:
        """Starts it, on a history that ends at a time, None: now."""
        plan = self._plan
        arguments = ["train", plan.use_case_name, "--json", f"--seed={plan.seed}"]
        arguments += [f"--count={plan.train_count}", f"--days={DAYS}", f"--epochs={EPOCHS}"]
        if until_ms is not None:
            arguments += [f"--until={seconds_of(until_ms)}"]
        self._since = time.monotonic()
        self._command.start(arguments, with_models(self._models_path))

    def check(self) -> None:
        """Takes the published version once it is there.

        Raises:
            DemoFailed: the training ended without one.
        """
        if self.published or (told := self._command.answer()) is None:
            return
        version = int(told["manifest"]["version"])
        self.published = manifest_of(
            self._models_path, self._plan.use_case.model.model_name, version
        )
        self.seconds = time.monotonic() - self._since

    def progress(self) -> Progress | None:
        """How far it is; None before its start and after its end."""
        if not self.started or self.published:
            return None
        return self._command.progress("TensorFlow is loaded")

    def stop(self) -> None:
        """Ends it when it still runs."""
        self._command.stop()


def seconds_of(time_ms: int) -> str:
    """A time in UTC as options of the command take it.

    >>> seconds_of(1_753_999_999_999)
    '2025-07-31T22:13:19'
    """
    return datetime.fromtimestamp(time_ms // 1_000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")


def with_models(models_path: Path) -> dict[str, str]:
    """The environment of a command that publishes to a folder."""
    return {**os.environ, "MILLRACE_MODELS__BASE_PATH": str(models_path)}


def newest_version(settings: Settings, plan: Plan) -> Manifest | None:
    """The manifest of the newest published version, None when there is no version."""
    name = plan.use_case.model.model_name
    if not versions(settings.models_path, name):
        return None
    return manifest_of(settings.models_path, name)
