"""One demo from start to end: what is started when, what is watched, when it is over."""

import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from jobs.local import LocalJob
from jobs.options import score_options
from millrace.demo import place as places
from millrace.demo.archiving import Archiving
from millrace.demo.audit import ArchiveAudit, Audit, audit, audit_archive
from millrace.demo.challenger import Step
from millrace.demo.draining import OnTheWay
from millrace.demo.flink import JvmStart, scoring
from millrace.demo.models import Models
from millrace.demo.patience import Patience
from millrace.demo.plan import DemoFailed, Plan
from millrace.demo.risks import Risks
from millrace.demo.signals import ignore_interrupts
from millrace.demo.status import Stage, Status
from millrace.demo.summary import Summary
from millrace.demo.tally import Tally
from millrace.demo.traffic import Traffic
from millrace.demo.watch import watches
from millrace.kafka.cluster import Cluster, cluster
from millrace.kafka.topics import apply
from millrace.settings import Settings
from millrace.stack.jars import ensure_flink_jars
from millrace.stack.local import BROKER, LocalStack
from millrace.stack.ports import free_ports
from millrace.stack.record import StackRecord

_LOOK_EVERY_S = 0.2
_PRODUCER_END_S = 70.0
_LIVE_DRAIN_S = 15.0
_ARCHIVE_S = 90.0
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
        case, watched = plan.use_case, plan.story.watched
        self.status, self.tally = Status(), Tally(started, plan.story.judge, case.event_time)
        self.status.risks = Risks(watched, case, started) if watched else None
        (port,) = free_ports(settings.stack.serving_port)
        self._plan, self._place, self._logs = plan, place, place / "logs"
        self._state_dir = settings.stack.state_dir
        # Changes of labels are written beside feature rows.
        features = case.labels is not None
        self._settings = places.local_settings(settings, place, port, features_topic=features)
        self._models = Models(plan, self._settings, self._logs, self.status, self.tally)

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
                self._models.choose(started)
                with self._scoring() as job:
                    self._watch(job)
                    drained = self._drain(job)
                    archived = self._end_archive(job, drained)
                    self.status.stage = Stage.STOPPING
                counted = self._count() if drained else None
                kept = self._count_archive() if archived else None
            finally:
                ignore_interrupts()
        return Summary(
            self._plan.once,
            self.tally.snapshot(),
            counted,
            self.status.model,
            self._models.trained_s,
            self.tally.model_latencies_ms(),
            self.status.archived,
            kept,
            self.status.challenger,
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
        if self.status.risks:
            self.status.risks.live_from_ms = self._producer.live_from_ms
        self._readers = watches(self._cluster, self._plan.use_case, self.tally, self.status.risks)
        self._archiving = Archiving(self._settings, self._plan.use_case_name, self._logs)
        for part in (*self._readers, self._producer):
            started.callback(part.stop)
            part.start()

    def _scoring(self) -> AbstractContextManager[LocalJob]:
        options = score_options(self._settings, self._plan.use_case_name, restore="none")
        self._deployment = options.deployment
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
        plan, seen, challenger = self._plan, self.tally.snapshot(), self.status.challenger
        if not plan.once or seen.live < plan.count:
            return False
        if seen.steady_model_answers < plan.enough_model_answers:
            return False
        if challenger is None:
            return True
        version = challenger.published.version if challenger.published else None
        return challenger.step is Step.DONE and (
            version is None or seen.answers_of(version) >= plan.enough_model_answers
        )

    def _drain(self, job: LocalJob) -> bool:
        """Sends no more and waits for what is on its way; a live demo does so for a moment."""
        self.status.stage = Stage.DRAINING
        deadline, patience = time.monotonic() + _LIVE_DRAIN_S, Patience(self._place)
        try:
            self._end_producer()
            way = OnTheWay(
                self._cluster, self._plan.use_case, self._deployment, self.tally.answered
            )
            while missing := way.count():
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

    def _end_archive(self, job: LocalJob, drained: bool) -> bool:
        """Whether the archive holds everything; a live demo waits for that only for a moment."""
        if not self._archiving.started:
            return False
        self.status.stage = Stage.ARCHIVING
        deadline = time.monotonic() + (_ARCHIVE_S if self._plan.once else _LIVE_DRAIN_S)
        hurry = not drained
        try:
            held = self._archiving.finish(
                lambda: self._look(job), lambda: hurry or time.monotonic() > deadline
            )
        except KeyboardInterrupt:
            if self._plan.once:
                raise
            return False
        self.status.archived = self._archiving.seen()
        if self._plan.once and not held:
            raise DemoFailed(f"the archive did not take all within {_ARCHIVE_S:.0f} s")
        return held

    def _end_producer(self) -> None:
        self._producer.stop()
        if not self._producer.join(_PRODUCER_END_S):
            raise DemoFailed(f"the producer did not end within {_PRODUCER_END_S:.0f} s")
        self._producer.check()

    def _count(self) -> Audit:
        self.status.stage = Stage.COUNTING
        return audit(self._cluster, self._plan.use_case)

    def _count_archive(self) -> ArchiveAudit:
        return audit_archive(self._cluster, self._archiving.archive)

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
        self.status.labels_told = self._producer.labels_told
        self._follow_archive()
        self._models.follow(self._producer.live_from_ms, self._archiving)

    def _follow_archive(self) -> None:
        """Starts it with the model's first answer, so that neither waits for the other."""
        if self._archiving.started:
            self._archiving.check()
            self.status.archived = self._archiving.seen()
        elif self.status.stage is Stage.JOB and self.tally.snapshot().first_model_s is not None:
            self._archiving.start()

    def _check_processes(self) -> None:
        for service in StackRecord(self._place).services():
            if not service.process.alive():
                name, log = service.process.name, service.process.log_path
                raise DemoFailed(
                    f"the {name} ended by itself (log: {log}): {service.process.reason()}"
                )

    def _stack(self, part: str) -> LocalStack:
        return LocalStack(self._settings, self._plan.use_case.model.model_name, parts=(part,))
