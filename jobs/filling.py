"""Bootstrap: the job `score` fills its windows from an archive, then Kafka goes on behind it.

First the same job reads a history of the archive in the place of Kafka, until a complete checkpoint
holds all of it. Then the deployment begins with that checkpoint, at the next offset of each
partition. In between nothing is under way, so the first record out of Kafka sees all archived ones.
"""

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from urllib.parse import urlparse

import msgspec

from jobs.deployment import Deployment, remember, remembered
from jobs.options import (
    LATEST,
    NONE,
    bootstrap_folder,
    checkpoints_of,
    latest_checkpoint,
    restored_from,
    score_options,
)
from jobs.score import ScoreOptions
from jobs.stages.history import History
from millrace.archive.continuing import Choice, Continuation, continuation
from millrace.archive.history import HistoryOptions, OnRecords, write_history
from millrace.archive.layout import open_archive
from millrace.kafka.cluster import cluster
from millrace.kafka.topics import LABELS, RAW
from millrace.settings import Settings
from udfs.errors import ConfigurationError
from udfs.use_cases.find import find_use_case
from udfs.use_cases.milliseconds import milliseconds

_PLAN, _HISTORY, _FILLED, _CHECKPOINTS = "plan.json", "history.blocks", "filled", "checkpoints"


class Plan(msgspec.Struct, frozen=True):
    """What a bootstrap does, once its history is written.

    Attributes:
        deployment: what the deployment remembers at its end, but for the checkpoint.
        frames: of the history.
        stages: of its frames.
    """

    deployment: Deployment
    frames: int
    stages: tuple[str, ...]


@dataclass(frozen=True)
class Bootstrap:
    """A bootstrap that was asked for.

    Attributes:
        settings: of the deployment.
        use_case: installed name or `module:attribute`.
        archive: folder of all archives.
        choice: what of the archive is read.
        bounded: of the deployment.
        after: a deployment that this one takes the place of.
    """

    settings: Settings
    use_case: str
    archive: Path = Path()
    choice: Choice = field(default_factory=Choice)
    bounded: bool = False
    after: str | None = None

    @property
    def name(self) -> str:
        """The use case's name."""
        return find_use_case(self.use_case).name

    @property
    def checkpoints(self) -> str:
        """URI of the deployment's checkpoints."""
        return checkpoints_of(self.settings, self.name, bounded=self.bounded)

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return bootstrap_folder(self.checkpoints)

    @property
    def needed(self) -> bool:
        """Whether the deployment has neither a checkpoint nor filled windows.

        Raises:
            ConfigurationError: the checkpoints are on no path of this machine.
        """
        self._require_path()
        before = remembered(self.checkpoints)
        filled = before is not None and before.filled is not None
        return not filled and restored_from(LATEST, self.checkpoints) is None

    def continuations(self) -> dict[str, Continuation]:
        """How each topic is read from the archive, then from Kafka; labels first.

        Raises:
            ConfigurationError: a record would be in neither; there is no archive; the checkpoints
                are on no path of this machine; or the deployment to come after is no good.
        """
        self._require_path()
        archive, kafka = open_archive(self.archive, self.name), cluster(self.settings.kafka)
        stages = (RAW,) if find_use_case(self.use_case).labels is None else (LABELS, RAW)
        border = self._options.quiet
        return {
            stage: continuation(kafka, archive, stage, self.choice, border.get(stage))
            for stage in stages
        }

    def prepare(self, found: Mapping[str, Continuation], on_records: OnRecords) -> None:
        """Writes the history and the plan; an earlier attempt's files are removed."""
        case, options = find_use_case(self.use_case), self._options
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        written = HistoryOptions(
            ranges={stage: (one.start, one.begin) for stage, one in found.items()},
            holding={stage: one.holding for stage, one in found.items()},
            lateness_ms=milliseconds(case.allowed_lateness),
            newest_ms=int(time.time() * 1_000) + options.max_clock_skew_ms,
        )
        archive = open_archive(self.archive, self.name)
        frames = write_history(self.folder / _HISTORY, archive, written, on_records)
        begin = {stage: dict(one.begin) for stage, one in found.items()}
        deployment = Deployment(case.spec.hash, {**begin, **options.quiet}, begin)
        plan = Plan(deployment, frames, tuple(found))
        (self.folder / _PLAN).write_bytes(msgspec.json.encode(plan))

    def options(self) -> ScoreOptions:
        """Options of the job that fills the windows; it writes nothing and does not end."""
        plan = self._plan()
        history = History(self.folder / _HISTORY, plan.frames, self.folder / _FILLED, plan.stages)
        options = score_options(self.settings, self.use_case, bounded=self.bounded, restore=NONE)
        return replace(
            options,
            checkpoint_dir=(self.folder / _CHECKPOINTS).as_uri(),
            bounded=False,
            quiet=plan.deployment.begin,
            history=history,
        )

    def filled(self) -> bool:
        """Whether a complete checkpoint holds what all archived records led to."""
        return (self.folder / _FILLED).exists()

    def finish(self) -> None:
        """Lets the deployment begin with that checkpoint, once the job has ended."""
        found = latest_checkpoint((self.folder / _CHECKPOINTS).as_uri())
        remember(self.checkpoints, msgspec.structs.replace(self._plan().deployment, filled=found))
        (self.folder / _HISTORY).unlink()

    def _require_path(self) -> None:
        if urlparse(self.checkpoints).scheme != "file":
            raise ConfigurationError(
                f"score.checkpoint_dir is {self.settings.score.checkpoint_dir}; a bootstrap needs "
                "a path which this machine and the cluster reach"
            )

    @cached_property
    def _options(self) -> ScoreOptions:
        return score_options(
            self.settings, self.use_case, bounded=self.bounded, restore=NONE, after=self.after
        )

    def _plan(self) -> Plan:
        return msgspec.json.decode((self.folder / _PLAN).read_bytes(), type=Plan)
