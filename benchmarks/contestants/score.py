"""Our job, as `millrace run score` builds it."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.assignment import DEADLINE_MS, Assignment
from jobs.score import ScoreOptions, build

USE_CASE = "udfs.use_cases.fraud:FRAUD_BY_CUSTOMER"
"""Fraud by customer alone, as all contestants do it."""


@dataclass(frozen=True)
class RunOptions(ScoreOptions):
    """Options of a run that shares its raw topic with others and has outputs of its own."""

    raw_topic: str = ""
    output: str = ""

    def topic(self, stage: str) -> str:
        """The topic of a stage."""
        return self.raw_topic if stage == "raw" else f"{self.output}.{stage}"


def options(assignment: Assignment) -> ScoreOptions:
    """The job's options for a run."""
    return RunOptions(
        use_case=USE_CASE,
        name="fraud",
        bootstrap_servers=assignment.bootstrap_servers,
        serving_target=assignment.serving_target,
        checkpoint_dir=assignment.checkpoint_dir,
        deployment=assignment.deployment,
        target=assignment.settings,
        parallelism=assignment.parallelism,
        deadline_ms=DEADLINE_MS,
        exactly_once=assignment.exactly_once,
        bounded=assignment.bounded,
        raw_topic=assignment.raw_topics[0],
        output=assignment.output,
    )


def run(assignment: Assignment) -> None:
    """Runs the job to its end."""
    build(options(assignment), tuple(Path(jar) for jar in assignment.jars)).execute()
