"""The only model server dies, falls silent, and gets another version."""

import os
import signal
from typing import Any

from benchmarks.model_faults.checks import Check, of_breaker, of_calls, of_checkpoints, of_whole
from benchmarks.model_faults.ground import Ground
from benchmarks.model_faults.plan import Judge, Plan, hold
from benchmarks.model_faults.rows import Rows
from benchmarks.model_faults.watched import Reading, WatchedJob, now_ms, until, watched
from benchmarks.progress import say
from millrace.stack.model_server import ModelServer
from udfs.client.breaker import BreakerState


def one_server(ground: Ground, plan: Plan) -> list[Check]:
    """Kill -9 and a new start, a black hole, and another version, of the only model server."""
    with (
        ground.model_server("only", 1) as server,
        watched(ground, "only", server.target, rate=plan.rate, seed=plan.seed) as job,
    ):
        hold(job, plan.fault_s)
        judges = [killed(job, server, plan), black_hole(job, server, plan)]
        judges.append(other_version(job, ground, plan))
        job.finish()
        checks, rows = of_whole(job, "one server")
    return [*checks, *(check for judge in judges for check in judge(rows))]


def killed(job: WatchedJob, server: ModelServer, plan: Plan) -> Judge:
    """The server dies, is away for the outage, and starts anew."""
    say(f"kill -9 of the model server, {plan.outage_s:.0f} s without one")
    assert server.process is not None
    before, begin_ms = job.reading(), now_ms()
    server.process.kill()
    _opened(job, server)
    hold(job, plan.outage_s)
    server.start()
    server.wait_until_serving()
    end_ms = now_ms()
    _closed(job, server)
    return _after_outage("kill -9", job, before, begin_ms, end_ms=end_ms, plan=plan)


def black_hole(job: WatchedJob, server: ModelServer, plan: Plan) -> Judge:
    """The server is there and says nothing for the length of the outage."""
    say(f"the model server takes connections and says nothing for {plan.outage_s:.0f} s")
    assert server.process is not None
    before, begin_ms = job.reading(), now_ms()
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        _opened(job, server)
        hold(job, plan.outage_s)
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    end_ms = now_ms()
    _closed(job, server)
    return _after_outage("black hole", job, before, begin_ms, end_ms=end_ms, plan=plan)


def _opened(job: WatchedJob, server: ModelServer) -> None:
    until(lambda: job.breaker(server.target) is not BreakerState.CLOSED, "an open breaker")


def _closed(job: WatchedJob, server: ModelServer) -> None:
    until(lambda: job.breaker(server.target) is BreakerState.CLOSED, "a closed breaker")


def _after_outage(
    name: str, job: WatchedJob, before: Reading, begin_ms: int, *, end_ms: int, plan: Plan
) -> Judge:
    after = hold(job, plan.fault_s)

    def judge(rows: Rows) -> list[Check]:
        within = rows.between(begin_ms, after.at_ms)
        answered = rows.between(end_ms, after.at_ms).reasons()
        return [
            *of_breaker(name, within, begin_ms, end_ms),
            *of_calls(name, before, after),
            *of_checkpoints(name, before, after),
            Check(name, "rows by the model afterwards", answered["stable"], ">=", 1),
        ]

    return judge


def other_version(job: WatchedJob, ground: Ground, plan: Plan) -> Judge:
    """A version takes the place of the one before."""
    say("version 2 takes the place of version 1")
    before = job.reading()
    ground.publish("only", 2)
    hold(job, plan.fault_s)
    after = hold(job, plan.fault_s)

    def judge(rows: Rows) -> list[Check]:
        within = rows.between(before.at_ms, after.at_ms)
        answered, name = within.versions(), "version replaced"
        return [
            Check(name, "rows of version 2", answered[2], ">=", 1),
            Check(name, "rows of other versions than 1 and 2", _others(answered), "=", 0),
            Check(name, "rows by the rule", within.reasons().total() - answered.total(), "=", 0),
        ]

    return judge


def _others(answered: Any) -> int:
    return int(sum(count for version, count in answered.items() if version not in (1, 2)))
