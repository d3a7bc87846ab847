"""A model that is trained from the demo's archive alone, and published if the gate lets it pass."""

import time
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from millrace.demo.command import Command, Progress
from millrace.demo.plan import Plan
from millrace.demo.training import EPOCHS, seconds_of, with_models
from millrace.manifest import Manifest
from millrace.registry import manifest_of
from millrace.verdict import Verdict

_TRAINED_BY, _JUDGED_BY = "challenger's training", "challenger's gate"


class Step(Enum):
    """Where a challenger is."""

    WAITING = "waiting"
    TRAINING = "training"
    JUDGED = "at the gate"
    DONE = "done"


class Challenger:
    """`millrace train --archive --candidate`, then `millrace models publish`, one after the other.

    Attributes:
        step: where it is.
        candidate: the candidate's manifest, None until it is trained.
        verdict: of the gate, None until then.
        published: the version's manifest, None when the gate refused it, or until then.
        train_s: how long the training took.
        gate_s: how long the gate took.

    Args:
        plan: whose use case.
        models_path: where versions are published.
        log_dir: where the two commands log to.
    """

    def __init__(self, plan: Plan, models_path: Path, log_dir: Path) -> None:
        self.step = Step.WAITING
        self.candidate: Manifest | None = None
        self.verdict: Verdict | None = None
        self.published: Manifest | None = None
        self.train_s = self.gate_s = 0.0
        self._plan, self._models_path = plan, models_path
        self._training = Command(_TRAINED_BY, log_dir / "challenger.log")
        self._gate = Command(_JUDGED_BY, log_dir / "gate.log")
        self._since = 0.0

    def start(self, archives: Path, as_of_ms: int) -> None:
        """Starts the training.

        Args:
            archives: folder of all archives.
            as_of_ms: what became known later is left out; whole seconds.
        """
        arguments = ["train", self._plan.use_case_name, "--candidate", "--json"]
        arguments += ["--archive", str(archives), "--as-of", seconds_of(as_of_ms)]
        arguments += [f"--train-days={self._plan.challenge_days}"]
        arguments += [f"--epochs={EPOCHS}", f"--seed={self._plan.seed}"]
        self._go_on(Step.TRAINING, self._training, arguments)

    def check(self) -> None:
        """Goes on to the next step when one is done.

        Raises:
            DemoFailed: a command ended without an answer; a refusal is one.
        """
        if self.step is Step.TRAINING and (told := self._training.answer()):
            self.train_s = time.monotonic() - self._since
            self.candidate = msgspec.convert(told["manifest"], Manifest)
            number = str(self.candidate.version)
            arguments = ["models", "publish", self._plan.use_case_name, number, "--json"]
            self._go_on(Step.JUDGED, self._gate, arguments)
        elif self.step is Step.JUDGED and (told := self._gate.answer()):
            self.gate_s = time.monotonic() - self._since
            self.verdict = msgspec.convert(told["verdict"], Verdict)
            self.published = self._version(told["version"])
            self.step = Step.DONE

    def progress(self) -> Progress | None:
        """How far the running training is, None in other steps."""
        if self.step is not Step.TRAINING:
            return None
        return self._training.progress("TensorFlow is loaded")

    def stop(self) -> None:
        """Ends what still runs."""
        self._training.stop()
        self._gate.stop()

    def outcome(self) -> str:
        """What became of it, in a sentence."""
        if self.verdict is None or self.candidate is None:
            return "not trained"
        named = f"candidate {self.candidate.version}"
        if self.published is None:
            return f"{named} refused by the gate: {'; '.join(self.verdict.reasons)}"
        measured = next((c.reason for c in self.verdict.checks if c.name == "metrics"), "")
        return f"{named} passed the gate as version {self.published.version}: {measured}"

    def _go_on(self, step: Step, command: Command, arguments: list[str]) -> None:
        self.step, self._since = step, time.monotonic()
        command.start(arguments, with_models(self._models_path))

    def _version(self, number: Any) -> Manifest | None:
        if number is None:
            return None
        return manifest_of(self._models_path, self._plan.use_case.model.model_name, int(number))
