"""Our job with all 15 features: labels join by id and go on to a second entity key.

The raw topic is that of the job with one key, and every record has a label in the topic beside it.
"""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.assignment import Assignment
from benchmarks.contestants.score import RunOptions, options
from benchmarks.raw_records import labels_of
from jobs.score import build


@dataclass(frozen=True)
class _LabelledOptions(RunOptions):
    """Options of a run that reads labels too."""

    def topic(self, stage: str) -> str:
        """The topic of a stage."""
        return labels_of(self.raw_topic) if stage == "labels" else super().topic(stage)


def run(assignment: Assignment) -> None:
    """Runs the job to its end."""
    given = {**vars(options(assignment)), "use_case": "fraud"}
    build(_LabelledOptions(**given), tuple(Path(jar) for jar in assignment.jars)).execute()
