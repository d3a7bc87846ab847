"""The models of a demo: a first one, its server, and a challenger from the archive."""

from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from millrace.demo.archiving import Archiving
from millrace.demo.challenger import Challenger, Step
from millrace.demo.plan import DemoFailed, Plan
from millrace.demo.status import Stage, Status
from millrace.demo.tally import Tally
from millrace.demo.training import Training, newest_version
from millrace.settings import Settings
from millrace.stack.local import MODEL_SERVER, LocalStack

_MILLISECOND = timedelta(milliseconds=1)


class Models:
    """What is trained, published and served, each when it is time for it.

    Args:
        plan: of the demo.
        settings: of the demo.
        log_dir: where the commands log to.
        status: told of models and progress.
        tally: says how far the stream is.
    """

    def __init__(
        self, plan: Plan, settings: Settings, log_dir: Path, status: Status, tally: Tally
    ) -> None:
        self._plan, self._settings, self._status, self._tally = plan, settings, status, tally
        models = settings.models_path
        self._training = Training(plan, models, log_dir / "training.log")
        self._newest = newest_version(settings, plan)
        self._serves = False
        if plan.challenge_days:
            status.challenger = Challenger(plan, models, log_dir)

    @property
    def trained_s(self) -> float | None:
        """How long the first training took, None when there was none."""
        return self._training.seconds if self._training.published else None

    def choose(self, started: ExitStack) -> None:
        """Takes the newest version if it fits; else, or when that is asked for, one is trained."""
        newest, spec = self._newest, self._plan.use_case.spec
        fits = newest is not None and newest.feature_spec_hash == spec.hash
        self._status.model = newest if fits else None
        self._status.trained_here = not fits or self._plan.retrain
        started.callback(self._training.stop)
        if self._status.challenger:
            started.callback(self._status.challenger.stop)

    def follow(self, live_from_ms: int, archiving: Archiving) -> None:
        """Goes on with whatever is due.

        Args:
            live_from_ms: event time at which live traffic begins.
            archiving: what the challenger is trained from.

        Raises:
            MillraceError: a training failed, or the server does not start.
        """
        self._follow_training(live_from_ms)
        if not self._serves and (self._status.model or self._newest is None):
            self._serve()
        self._follow_challenger(live_from_ms, archiving)

    def _follow_training(self, live_from_ms: int) -> None:
        """Starts it with the first prediction: both at once would be slow on a small machine."""
        training, status = self._training, self._status
        if not status.trained_here or self._tally.snapshot().first_prediction_s is None:
            return
        if not training.started:
            # A first model knows of what was before the history, a challenger of the history.
            before_ms = live_from_ms - self._plan.history_span // _MILLISECOND
            training.start(before_ms if self._plan.in_demo_time else None)
        training.check()
        status.progress = training.progress()
        status.model = status.model or training.published

    def _follow_challenger(self, live_from_ms: int, archiving: Archiving) -> None:
        """Starts it once the archive holds all of the history."""
        challenger, status = self._status.challenger, self._status
        if challenger is None or status.stage is not Stage.JOB:
            return
        if challenger.step is Step.WAITING:
            if archiving.caught_up():
                challenger.start(self._settings.archive_path, live_from_ms)
            return
        challenger.check()
        status.model = challenger.published or status.model

    def _serve(self) -> None:
        """Starts the model server; not while the newest version is one that does not fit."""
        name = self._plan.use_case.model.model_name
        stack = LocalStack(self._settings, name, parts=(MODEL_SERVER,))
        stack.up()
        self._serves = True
        if stack.addresses[MODEL_SERVER] != self._settings.serving.target:
            raise DemoFailed(f"{self._settings.serving.target} was taken meanwhile; try again")
