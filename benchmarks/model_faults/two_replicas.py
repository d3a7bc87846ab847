"""One of two replicas drains and comes back; their versions differ, to tell them apart."""

import os
import signal
import time
from collections.abc import Sequence

from benchmarks.model_faults.checks import Check, of_calls, of_checkpoints, of_whole
from benchmarks.model_faults.ground import Ground
from benchmarks.model_faults.plan import Judge, Plan, hold
from benchmarks.model_faults.rows import Rows
from benchmarks.model_faults.watched import WatchedJob, now_ms, until, watched
from benchmarks.progress import say
from millrace.stack.model_server import ModelServer

_DRAIN, _RETURN = "replica drained", "replica back"
_EXIT_S = 10.0
_SHARED_CALLS = 200
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
        judges = [drained(job, [first, second], plan), returned(job, [first, second], plan)]
        job.finish()
        checks, rows = of_whole(job, "two replicas")
    return [*checks, *(check for judge in judges for check in judge(rows))]


def drained(job: WatchedJob, servers: Sequence[ModelServer], plan: Plan) -> Judge:
    """The first of two servers, which has version 1, is told to stop; the other has version 2."""
    until(lambda: min(_sent(job, servers, "min")) > 0, "each worker's calls of both replicas")
    before = job.reading()
    share = _share(job, servers, 2 * plan.fault_s)
    say("SIGTERM to one of two replicas")
    process, begin = servers[0].process, time.monotonic()
    assert process is not None
    os.kill(process.pid, signal.SIGTERM)
    until(lambda: not process.alive(), "the drained server's end")
    exit_s, ended_ms = time.monotonic() - begin, now_ms()
    after = hold(job, plan.fault_s)

    def judge(rows: Rows) -> list[Check]:
        alone = rows.between(ended_ms + _SENT_BEFORE_MS, after.at_ms).versions()
        return [
            Check(_DRAIN, "rows by the rule", _by_rule(rows, before.at_ms, after.at_ms), "=", 0),
            *_of_share(_DRAIN, share),
            Check(_DRAIN, "rows of the drained replica", alone[1], "=", 0),
            Check(_DRAIN, "rows of the other replica", alone[2], ">=", 1),
            Check(_DRAIN, "s until it ended", round(exit_s, 2), "<=", _EXIT_S, by_time=True),
            *of_calls(_DRAIN, before, after),
            *of_checkpoints(_DRAIN, before, after),
        ]

    return judge


def returned(job: WatchedJob, servers: Sequence[ModelServer], plan: Plan) -> Judge:
    """The first of two servers starts again."""
    say("it comes back")
    before, first = job.reading(), servers[0]
    first.start()
    first.wait_until_serving()
    back_ms = now_ms()
    # Each worker looks for it by itself, once a second.
    hold(job, plan.fault_s)
    share = _share(job, servers, plan.fault_s)
    after = job.reading()

    def judge(rows: Rows) -> list[Check]:
        again = rows.between(back_ms, after.at_ms).versions()
        return [
            Check(_RETURN, "rows by the rule", _by_rule(rows, before.at_ms, after.at_ms), "=", 0),
            *_of_share(_RETURN, share),
            Check(_RETURN, "rows of the replica that is back", again[1], ">=", 1),
            *of_calls(_RETURN, before, after),
            *of_checkpoints(_RETURN, before, after),
        ]

    return judge


def _sent(job: WatchedJob, servers: Sequence[ModelServer], over_workers: str = "sum") -> list[int]:
    return job.sent_to([server.target for server in servers], over_workers)


def _share(job: WatchedJob, servers: Sequence[ModelServer], seconds: float) -> float:
    """Of the calls in so many seconds, and until they are enough, those to the first server."""
    before = _sent(job, servers)
    hold(job, seconds)
    until(lambda: sum(_sent(job, servers)) >= sum(before) + _SHARED_CALLS, "enough calls")
    calls = [new - old for old, new in zip(before, _sent(job, servers), strict=True)]
    return round(calls[0] / sum(calls), 3)


def _of_share(fault: str, share: float) -> list[Check]:
    what = "share of calls to the first replica"
    return [Check(fault, what, share, ">=", 0.45), Check(fault, what, share, "<=", 0.55)]


def _by_rule(rows: Rows, begin_ms: int, end_ms: int) -> int:
    reasons = rows.between(begin_ms, end_ms).reasons()
    return reasons.total() - reasons["stable"]
