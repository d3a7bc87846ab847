"""How long a demo that runs to an end waits for each step, and what it says when that is over."""

import time
from pathlib import Path

from millrace.demo.challenger import Step
from millrace.demo.plan import DemoFailed
from millrace.demo.status import Status
from millrace.demo.tally import Snapshot

_FIRST_PREDICTION_S = 180.0
_MODEL_S = 120.0
_CHALLENGER_S = 300.0
_DRAIN_S = 60.0


class Patience:
    """Deadlines of the steps; each starts when the step before it is done."""

    def __init__(self, place: Path) -> None:
        """The first step starts now; `place` holds the logs."""
        self._place = place
        self._since = time.monotonic()
        self._step = ""
        self._least: int | None = None

    def check(self, status: Status, seen: Snapshot) -> None:
        """Raises when a step takes too long.

        Raises:
            DemoFailed: it does.
        """
        logs = self._place / "logs"
        if seen.first_prediction_s is None:
            self._wait("prediction", _FIRST_PREDICTION_S, f"the job is {status.job}; logs: {logs}")
        elif status.model is not None and seen.first_model_s is None:
            log = self._place / "serving" / "model-server.log"
            why = f"the rule answers because of {seen.fallback_reason}; log: {log}"
            self._wait(f"answer of model version {status.model.version}", _MODEL_S, why)
        elif seen.first_model_s is not None and status.challenger is not None:
            if status.challenger.step is not Step.DONE:
                why = f"it is {status.challenger.step.value}; logs: {logs}"
                self._wait("verdict on the challenger", _CHALLENGER_S, why)

    def check_drain(self, missing: int) -> None:
        """Raises when nothing has come out for long though something is missing.

        Raises:
            DemoFailed: it is so.
        """
        if self._least is None or missing < self._least:
            self._least, self._step = missing, ""
        why = f"{missing:,} records are missing; logs: {self._place / 'logs'}"
        self._wait("further answer", _DRAIN_S, why)

    def _wait(self, what: str, deadline_s: float, why: str) -> None:
        if what != self._step:
            self._step, self._since = what, time.monotonic()
        if time.monotonic() - self._since > deadline_s:
            raise DemoFailed(f"no {what} came within {deadline_s:.0f} s: {why}")
