"""By hand, without a guarantee, tuned: model calls overlap with the work on the next batch."""

from benchmarks.assignment import Assignment
from benchmarks.contestants import handwritten_unguarded


def run(assignment: Assignment) -> None:
    """Scores this process's partitions."""
    handwritten_unguarded.run(assignment, overlap=True)
