"""One demo from start to end: what is started when, what is watched, when it is over."""

import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from jobs.local import LocalJob
from jobs.options import score_options
from millrace.demo import place as places
from millrace.demo.audit import Audit, audit
from millrace.demo.flink import JvmStart, scoring
from millrace.demo.patience import Patience
from millrace.demo.plan import DemoFailed, Plan
from millrace.demo.signals import ignore_interrupts
from millrace.demo.status import Stage, Status
from millrace.demo.summary import Summary
from millrace.demo.tally import Tally
from millrace.demo.traffic import Traffic
from millrace.demo.training import Training, newest_version
from millrace.demo.watch import Watch, watches
from millrace.kafka.cluster import Cluster, cluster
from millrace.kafka.readers import end_offsets
from millrace.kafka.topics import RAW, apply
from millrace.settings import Settings
from millrace.stack.jars import ensure_flink_jars
from millrace.stack.local import BROKER, MODEL_SERVER, LocalStack
from millrace.stack.ports import free_ports
from millrace.stack.record import StackRecord

_LOOK_EVERY_S = 0.2
_PRODUCER_END_S = 70.0
_LIVE_DRAIN_S = 15.0
_IN_ORDER = {"INITIALIZING", "CREATED", "RUNNING", "RESTARTING", "RECONCILING", "SUSPENDED"}


class Demo:
    """One demo in an empty directory of its own.

    Attributes:
        status: what it does at the moment; the display reads it.
        tally: what went in and came out so far.
    """

    def __init__(self, plan: Plan, settings: Settings, place: Path, started: float) -> None:
        """Starts nothing.

        Args:
            plan: what to do.
            settings: of the user; the demo's own are made from them.
            place: an empty directory.
            started: monotonic time of the command.
        """
        self.status, self.tally = Status(), Tally(started, plan.story.judge)
        (port,) = free_ports(settings.stack.serving_port)
        self._plan, self._place, self._logs = plan, place, place / "logs"
        self._state_dir = settings.stack.state_dir
        self._settings = places.local_settings(settings, place, port)
        models = self._settings.models_path
        self._training = Training(plan, models, self._logs / "training.log")
        self._newest = newest_version(self._settings, plan)
        self._serves = False

    def run(self) -> Summary:
        """Runs it to its end: that of its plan, or Ctrl-C once a prediction was seen.

        Raises:
            MillraceError: a part of it failed; nothing is left running.
            KeyboardInterrupt: Ctrl-C before the first prediction, or into a bounded demo.
        """
        with ExitStack() as started:
            try:
                self._start_jvm(started)
                self._start_broker(started)
                self._start_streams(started)
                self._choose_model(started)
                with self._scoring() as job:
                    self._watch(job)
                    drained = self._drain(job)
                    self.status.stage = Stage.STOPPING
                counted = self._count() if drained else None
            finally:
                ignore_interrupts()
        return Summary(
            self._plan.once,
            self.tally.snapshot(),
            counted,
            self.status.model,
            self._training.seconds if self._training.published else None,
            self.tally.model_latencies_ms(),
        )

    def _start_jvm(self, started: ExitStack) -> None:
        launch = JvmStart(self._logs)
        started.callback(launch.stop)
        launch.start()

    def _start_broker(self, started: ExitStack) -> None:
        stack = started.enter_context(self._stack(BROKER))
        address = stack.addresses[BROKER]
        self._settings = places.with_broker(self._settings, address)
        self._cluster: Cluster = cluster(self._settings.kafka)
        apply(self._settings, self._plan.use_case.name)
        announcement = places.announced(self._state_dir, self._settings)
        self.status.announced = started.enter_context(announcement)
        self.status.stage = Stage.JOB

    def _start_streams(self, started: ExitStack) -> None:
        """The producer and the readers, as threads."""
        self._producer = Traffic(self._plan, self._cluster, self.tally)
        self._readers: tuple[Watch, ...] = watches(self._cluster, self._plan.use_case, self.tally)
        for part in (*self._readers, self._producer):
            started.callback(part.stop)
            part.start()

    def _choose_model(self, started: ExitStack) -> None:
        """Takes the newest version if it fits; else, or when that is asked for, one is trained."""
        newest, spec = self._newest, self._plan.use_case.spec
        fits = newest is not None and newest.feature_spec_hash == spec.hash
        self.status.model = newest if fits else None
        self.status.trained_here = not fits or self._plan.retrain
        started.callback(self._training.stop)

    def _scoring(self) -> AbstractContextManager[LocalJob]:
        options = score_options(self._settings, self._plan.use_case_name, restore="none")
        self.status.commit_ms = options.target.checkpoint_interval_ms
        return scoring(options, ensure_flink_jars(), self._logs)

    def _watch(self, job: LocalJob) -> None:
        """Returns when it is over: enough was seen, or Ctrl-C ended a live demo."""
        patience = Patience(self._place)
        try:
            while not self._enough():
                self._look(job)
                if self._plan.once:
                    patience.check(self.status, self.tally.snapshot())
                time.sleep(_LOOK_EVERY_S)
        except KeyboardInterrupt:
            if self._plan.once or self.tally.snapshot().first_prediction_s is None:
                raise

    def _enough(self) -> bool:
        plan, seen = self._plan, self.tally.snapshot()
        return (
            plan.once
            and seen.live >= plan.count
            and seen.steady_model_answers >= plan.enough_model_answers
        )

    def _drain(self, job: LocalJob) -> bool:
        """Sends no more and waits for what is on its way; a live demo does so for a moment."""
        self.status.stage = Stage.DRAINING
        deadline, patience = time.monotonic() + _LIVE_DRAIN_S, Patience(self._place)
        try:
            self._end_producer()
            end = end_offsets(self._cluster, f"{self._plan.use_case.name}.{RAW}", committed=False)
            while missing := self.tally.answered.missing(end):
                self._look(job)
                if self._plan.once:
                    patience.check_drain(missing)
                elif time.monotonic() > deadline:
                    return False
                time.sleep(_LOOK_EVERY_S)
        except KeyboardInterrupt:  # once more: somebody is in a hurry
            if self._plan.once:
                raise
            return False
        return True

    def _end_producer(self) -> None:
        self._producer.stop()
        if not self._producer.join(_PRODUCER_END_S):
            raise DemoFailed(f"the producer did not end within {_PRODUCER_END_S:.0f} s")
        self._producer.check()

    def _count(self) -> Audit:
        self.status.stage = Stage.COUNTING
        return audit(self._cluster, self._plan.use_case.name)

    def _look(self, job: LocalJob) -> None:
        """Sees that every part is in order, and serves the model once there is one that fits.

        Raises:
            MillraceError: one is not.
        """
        self._check_processes()
        self.status.job = job.status()
        if self.status.job not in _IN_ORDER:
            job.wait()  # raises what Flink says about it
            raise DemoFailed(f"the job ended by itself (logs: {self._logs})")
        for part in (self._producer, *self._readers):
            part.check()
        self._follow_training()
        if not self._serves and (self.status.model or self._newest is None):
            self._serve()

    def _follow_training(self) -> None:
        """Starts it with the first prediction: both at once would be slow on a small machine."""
        training = self._training
        if not self.status.trained_here or self.tally.snapshot().first_prediction_s is None:
            return
        if not training.started:
            training.start()
        training.check()
        self.status.progress = training.progress()
        self.status.model = training.published or self.status.model

    def _serve(self) -> None:
        """Starts the model server; not while the newest version is one that does not fit."""
        stack = self._stack(MODEL_SERVER)
        stack.up()
        self._serves = True
        if stack.addresses[MODEL_SERVER] != self._settings.serving.target:
            raise DemoFailed(f"{self._settings.serving.target} was taken meanwhile; try again")

    def _check_processes(self) -> None:
        for service in StackRecord(self._place).services():
            if not service.process.alive():
                name, log = service.process.name, service.process.log_path
                raise DemoFailed(
                    f"the {name} ended by itself (log: {log}): {service.process.reason()}"
                )

    def _stack(self, part: str) -> LocalStack:
        return LocalStack(self._settings, self._plan.use_case.model.model_name, parts=(part,))
