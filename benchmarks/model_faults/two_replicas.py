"""One of two replicas drains and comes back; their versions differ, to tell them apart."""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.model_faults.checks import Check, of_calls, of_checkpoints, of_whole
from benchmarks.model_faults.ground import Ground
from benchmarks.model_faults.plan import Plan, hold
from benchmarks.model_faults.rows import Rows
from benchmarks.model_faults.watched import Reading, WatchedJob, now_ms, until, watched
from benchmarks.progress import say
from millrace.stack.model_server import ModelServer

_NAME = "replica drained"
_EXIT_S = 10.0
_SENT_BEFORE_MS = 200
"""Answers that were there when the server ended are written within this."""


def two_replicas(ground: Ground, plan: Plan) -> list[Check]:
    """One of two replicas is told to stop, drains, and comes back."""
    with (
        ground.model_server("first", 1) as first,
        ground.model_server("second", 2) as second,
        watched(
            ground,
            "replicas",
            f"{first.target},{second.target}",
            deadline_ms=2000,
            rate=plan.rate,
            seed=plan.seed,
        ) as job,
    ):
        hold(job, plan.fault_s)
        course = _drained(job, [first, second], plan)
        job.finish()
        checks, rows = of_whole(job, "two replicas")
    return [*checks, *course.checks(rows)]


@dataclass(frozen=True)
class _Course:
    """How a drain went.

    Attributes:
        before: the numbers while both were there.
        share: of the calls of that time, those to the first.
        at_drain: those when one was told to stop.
        exit_s: seconds until it ended.
        ended_ms: when it had ended.
        drained: the numbers before it came back.
        back_ms: when it was back.
        after: the numbers at the end.
    """

    before: Reading
    share: float
    at_drain: Reading
    exit_s: float
    ended_ms: int
    drained: Reading
    back_ms: int
    after: Reading

    def checks(self, rows: Rows) -> list[Check]:
        """What has to hold for the rows of the job."""
        reasons = rows.between(self.before.at_ms, self.after.at_ms).reasons()
        alone = rows.between(self.ended_ms + _SENT_BEFORE_MS, self.drained.at_ms).versions()
        again = rows.between(self.back_ms, self.after.at_ms).versions()
        return [
            Check(_NAME, "rows by the rule", reasons.total() - reasons["stable"], "=", 0),
            Check(_NAME, "share of calls to the first replica", self.share, ">=", 0.45),
            Check(_NAME, "share of calls to the first replica", self.share, "<=", 0.55),
            Check(_NAME, "rows of the drained replica", alone[1], "=", 0),
            Check(_NAME, "rows of the other replica", alone[2], ">=", 1),
            Check(_NAME, "s until it ended", round(self.exit_s, 2), "<=", _EXIT_S, by_time=True),
            Check(_NAME, "its rows after its return", again[1], ">=", 1),
            *of_calls(_NAME, self.before, self.after),
            *of_checkpoints(_NAME, self.before, self.after),
        ]


def _drained(job: WatchedJob, servers: Sequence[ModelServer], plan: Plan) -> _Course:
    first = servers[0]
    before, sent = job.reading(), [job.sent_to(each.target) for each in servers]
    at_drain = hold(job, 2 * plan.fault_s)
    calls = [job.sent_to(each.target) - old for each, old in zip(servers, sent, strict=True)]
    share = round(calls[0] / max(1, sum(calls)), 3)
    say("SIGTERM to one of two replicas")
    assert first.process is not None
    process, begin = first.process, time.monotonic()
    os.kill(process.pid, signal.SIGTERM)
    until(lambda: not process.alive(), "the drained server's end")
    exit_s, ended_ms = time.monotonic() - begin, now_ms()
    drained = hold(job, plan.fault_s)
    first.start()
    first.wait_until_serving()
    back_ms = now_ms()
    after = hold(job, 2 * plan.fault_s)
    return _Course(before, share, at_drain, exit_s, ended_ms, drained, back_ms, after)
