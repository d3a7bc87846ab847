"""What has to hold, beside what was measured."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from benchmarks.kill.verdict import judge
from benchmarks.model_faults.rows import Rows
from benchmarks.model_faults.watched import Reading, WatchedJob

CAPACITY = 64
"""Blocks in flight that Flink allows an async operator (`jobs/stages/predictions.py`)."""

Sign = Literal["=", "<=", ">="]


@dataclass(frozen=True)
class Check:
    """One figure and its bound.

    Attributes:
        fault: what was done.
        what: what was measured, with its unit.
        measured: the figure; None when there was nothing to measure.
        sign: how it has to stand to the bound.
        bound: the bound.
        by_time: it depends on how fast the machine is.

    >>> Check("kill", "restarts", 0, "=", 0).holds
    True
    """

    fault: str
    what: str
    measured: float | None
    sign: Sign
    bound: float
    by_time: bool = False

    @property
    def holds(self) -> bool:
        """Whether the figure keeps its bound."""
        if self.measured is None:
            return False
        return {
            "=": self.measured == self.bound,
            "<=": self.measured <= self.bound,
            ">=": self.measured >= self.bound,
        }[self.sign]

    def as_json(self) -> dict[str, Any]:
        """For the last line."""
        return {**asdict(self), "holds": self.holds}


def of_checkpoints(fault: str, before: Reading, after: Reading) -> list[Check]:
    """Checkpoints went on between two readings."""
    failed = after.failed_checkpoints - before.failed_checkpoints
    completed = after.checkpoints - before.checkpoints
    return [
        Check(fault, "checkpoints completed meanwhile", completed, ">=", 1, by_time=True),
        Check(fault, "checkpoints given up", failed, "=", 0),
    ]


def of_calls(fault: str, before: Reading, after: Reading) -> list[Check]:
    """Retries stayed within their budget between two readings."""
    calls = after.calls - before.calls
    amplification = (after.attempts - before.attempts) / calls if calls else None
    return [Check(fault, "attempts a call", _rounded(amplification), "<=", 1.2)]


def of_breaker(fault: str, rows: Rows, begin_ms: int, end_ms: int) -> list[Check]:
    """The breaker opened soon after an outage began and closed soon after it ended."""
    opened, closed = rows.first_ms("circuit_open"), rows.last_ms("circuit_open")
    opened_s = None if opened is None else (opened - begin_ms) / 1000
    closed_s = None if closed is None else max(0, closed - end_ms) / 1000
    left_alone = rows.between(opened or end_ms, end_ms)
    total = len(left_alone.rows)
    skipped = left_alone.reasons()["circuit_open"] / total if total else None
    return [
        Check(fault, "s until the breaker opened", opened_s, "<=", 2.0, by_time=True),
        Check(fault, "s until the last breaker closed", closed_s, "<=", 5.0, by_time=True),
        Check(fault, "share of rows without a call once open", _rounded(skipped), ">=", 0.5),
    ]


def of_whole(job: WatchedJob, name: str) -> tuple[list[Check], Rows]:
    """What has to hold over all faults of a job, once everything came out."""
    verdict, _ = judge(job.servers, job.name)
    rows = Rows.read(job.servers, job.name)
    overrun = job.longest_call_ms() / job.deadline_ms
    return [
        Check(name, "records without an output", verdict.missing, "=", 0),
        Check(name, "outputs beyond one a record", verdict.extra, "=", 0),
        Check(name, "rows that do not say who answered", rows.unlabelled(), "=", 0),
        Check(name, "scores that are no number", rows.not_finite(), "=", 0),
        Check(name, "restarts of the job", job.restarts(), "=", 0),
        Check(name, "most calls in flight", job.most_in_flight(), "<=", CAPACITY),
        Check(name, "longest call / deadline", _rounded(overrun), "<=", 1.1, by_time=True),
    ], rows


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
