"""How long faults last, and what they are judged by."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.model_faults.checks import Check
from benchmarks.model_faults.rows import Rows
from benchmarks.model_faults.watched import Reading, WatchedJob, until

Judge = Callable[[Rows], list[Check]]
"""What has to hold for the rows of a job that went through a fault."""


@dataclass(frozen=True)
class Plan:
    """How long and how much.

    Attributes:
        outage_s: how long a model server is dead or silent.
        fault_s: how long other faults last, and the time between faults.
        rate: records a second.
        seed: of the records.
    """

    outage_s: float
    fault_s: float
    rate: int
    seed: int


def hold(job: WatchedJob, seconds: float) -> Reading:
    """Lets things go on for so long, and until a checkpoint completed; the numbers then."""
    begin, end = job.reading(), time.monotonic() + seconds
    until(
        lambda: time.monotonic() >= end and job.reading().checkpoints > begin.checkpoints,
        "a checkpoint",
    )
    return job.reading()
