"""The job `archive` of a demo: beside the job `score`, in the same JVM."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jobs.archive import build
from jobs.archive_options import archive_options
from jobs.archiving import Until, newest_records
from jobs.local import LocalJob, launch
from millrace.archive import STAGES, Archive
from millrace.archive.progress import Progress
from millrace.demo.plan import DemoFailed
from millrace.kafka.cluster import cluster
from millrace.kafka.last import last_records
from millrace.kafka.topics import LABELS, RAW
from millrace.settings import Settings
from millrace.stack.jars import ensure_archive_jars

_LOOK_EVERY_S = 1.0


@dataclass(frozen=True)
class Archived:
    """What the archive holds.

    Attributes:
        files: complete ones.
        rows: in them, of all topics.
        size: their bytes.
        raw: rows of the raw topic.
        path: the archive's folder.
    """

    files: int
    rows: int
    size: int
    raw: int
    path: Path


class Archiving:
    """The job and what it has written so far.

    Attributes:
        archive: where it writes.
        started: whether the job was started.

    Args:
        settings: of the demo.
        use_case: installed name or `module:attribute`.
        log_dir: where Flink logs to.
    """

    def __init__(self, settings: Settings, use_case: str, log_dir: Path) -> None:
        self._options = archive_options(settings, use_case, restore="none")
        self._cluster, self._log_dir = cluster(settings.kafka), log_dir
        self.archive = Archive(self._options.path.parent, self._options.name)
        self._progress = Progress(self.archive)
        self.started = False
        self._job: LocalJob | None = None
        self._first: Until = {}
        self._caught_up = False
        self._seen: Archived | None = None
        self._seen_at = 0.0

    def start(self) -> None:
        """Starts the job; returns once Flink has it.

        Raises:
            JobFailed: Flink refuses it.
        """
        jars = ensure_archive_jars()
        inputs = (RAW, LABELS)
        self._first = {
            s: last_records(self._cluster, f"{self.archive.use_case}.{s}") for s in inputs
        }
        self.started = True
        self._job = launch(lambda: build(self._options, jars), self._options.job_name)

    def caught_up(self) -> bool:
        """Whether it held the records and labels of its start when it was last `seen`."""
        return self._caught_up

    def check(self) -> None:
        """Sees that it runs.

        Raises:
            MillraceError: it has ended by itself.
        """
        if self._job is not None and not self._job.running():
            self._job.wait()  # raises what Flink says about it
            raise DemoFailed(f"the job archive ended by itself (logs: {self._log_dir})")

    def seen(self) -> Archived | None:
        """What it holds, looked at once a second; None before its start."""
        if self.started and time.monotonic() - self._seen_at > _LOOK_EVERY_S:
            self._look()
        return self._seen

    def finish(self, each: Callable[[], None], enough: Callable[[], bool]) -> bool:
        """Waits until it holds what the newest records are now, and stops the job.

        Args:
            each: called while it waits.
            enough: whether to wait no longer.

        Returns:
            whether it holds them all.

        Raises:
            JobFailed: it could not be stopped so that its files are complete.
        """
        assert self._job is not None
        until, held = newest_records(self._cluster, self._options), False
        while not held and not enough():
            each()
            time.sleep(_LOOK_EVERY_S / 4)
            if self._progress.holds(until):
                # What was committed meanwhile counts too.
                before, until = until, newest_records(self._cluster, self._options)
                held = before == until
        self._job.stop(self._options.checkpoint_dir)
        self._job = None
        self._look()
        return held or self._progress.holds(until)

    def _look(self) -> None:
        for stage in STAGES:
            self._progress.ends(stage)
        found = self._progress.files
        self._caught_up = self._progress.holds(self._first)
        self._seen_at = time.monotonic()
        self._seen = Archived(
            len(found),
            sum(file.rows for file in found),
            sum(file.size for file in found),
            sum(file.rows for file in found if file.path.parts[-3] == RAW),
            self.archive.path,
        )
