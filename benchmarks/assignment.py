"""What a contestant's process is told: where to read, where to write, and how."""

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from jobs.targets import TARGETS, Target

DEADLINE_MS = 5_000
"""Of model calls, for all: a machine that is busy with measuring should not answer by rules."""


class Assignment(msgspec.Struct, frozen=True):
    """One run of one contestant.

    Attributes:
        bootstrap_servers: the broker.
        serving_target: `host:port` of the model server.
        raw_topics: what to read; all contestants but the pass-through read one topic.
        output: prefix of the topics to write, `<output>.predictions` and so on.
        deployment: unique name of the run: consumer group and transactional id begin with it.
        directory: scratch directory of the run.
        jars: JARs for Flink.
        target: name of the settings (`jobs.targets`) that all contestants follow.
        parallelism: subtasks of a Flink job.
        exactly_once: the guarantee of the sink.
        bounded: end at the newest records of the start; else run until ended.
        process: number of this process, from 0.
        processes: processes of the contestant, which share the partitions.
    """

    bootstrap_servers: str
    serving_target: str
    raw_topics: tuple[str, ...]
    output: str
    deployment: str
    directory: str
    jars: tuple[str, ...]
    target: str
    parallelism: int
    exactly_once: bool
    bounded: bool
    process: int = 0
    processes: int = 1

    @property
    def settings(self) -> Target:
        """The target behind its name."""
        return TARGETS[self.target]

    @property
    def checkpoint_dir(self) -> str:
        """URI of the run's checkpoints."""
        return Path(self.directory, "checkpoints").as_uri()

    @property
    def predictions(self) -> str:
        """The topic of the answers."""
        return f"{self.output}.predictions"

    def command(self, module: str) -> Sequence[str]:
        """The command line that runs `benchmarks.contestants.<module>` on this assignment."""
        text = msgspec.json.encode(self).decode()
        return [sys.executable, "-m", "benchmarks.contestants", module, text]
