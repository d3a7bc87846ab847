"""Our job with all 15 features and a label of every record, the negative ones too."""

from benchmarks.assignment import Assignment
from benchmarks.contestants import score_labels
from benchmarks.raw_records import every_label_of


def run(assignment: Assignment) -> None:
    """Runs the job to its end."""
    score_labels.run(assignment, every_label_of)
