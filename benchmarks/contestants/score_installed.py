"""Our job on an installed use case, the one that the raw topic is named after."""

from pathlib import Path

from benchmarks.assignment import Assignment
from benchmarks.contestants.score import RunOptions, options
from jobs.score import build


def run(assignment: Assignment) -> None:
    """Runs the job to its end."""
    name = assignment.raw_topics[0].removesuffix(".raw")
    given = {**vars(options(assignment)), "use_case": name, "name": name}
    build(RunOptions(**given), tuple(Path(jar) for jar in assignment.jars)).execute()
