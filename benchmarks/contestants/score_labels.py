"""Our job with all 15 features: labels join by id and go on to a second entity key.

The raw topic is that of the job with one key. The labels are those that fraud's own producers
tell: where silence means negative, the frauds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.assignment import Assignment
from benchmarks.contestants.score import RunOptions, options
from benchmarks.raw_records import labels_of
from jobs.score import build


@dataclass(frozen=True)
class _LabelledOptions(RunOptions):
    """Options of a run that reads labels too."""

    labels: str = ""

    def topic(self, stage: str) -> str:
        """The topic of a stage."""
        return self.labels if stage == "labels" else super().topic(stage)


def run(assignment: Assignment, labels: Callable[[str], str] = labels_of) -> None:
    """Runs the job to its end.

    Args:
        assignment: what to do.
        labels: gives the topic of the labels of a raw topic.
    """
    given = {**vars(options(assignment)), "use_case": "fraud"}
    told = labels(assignment.raw_topics[0])
    jars = tuple(Path(jar) for jar in assignment.jars)
    build(_LabelledOptions(**given, labels=told), jars).execute()
