"""The model server is slow, full, without its model, or talks nonsense; a proxy makes it so."""

import time
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import grpc

from benchmarks.model_faults import proxy
from benchmarks.model_faults.checks import Check, of_calls, of_checkpoints, of_whole
from benchmarks.model_faults.ground import Ground
from benchmarks.model_faults.plan import Judge, Plan, hold
from benchmarks.model_faults.proxy import FaultProxy, Forward
from benchmarks.model_faults.rows import Rows
from benchmarks.model_faults.spoilt import SPOILT
from benchmarks.model_faults.watched import Reading, WatchedJob, now_ms, watched
from benchmarks.progress import say

TAKES_S = 0.02
"""What a call takes where nothing is wrong."""
_SAVED = 20
"""Retries that two workers have saved up in the good time before, 10 each."""


def odd_answers(ground: Ground, plan: Plan) -> list[Check]:
    """A model server that is slow, full, without its model, or that talks nonsense."""
    with (
        ground.model_server("behind", 1) as server,
        FaultProxy(server.target) as before_it,
        watched(ground, "odd", before_it.target, rate=plan.rate, seed=plan.seed) as job,
    ):
        before_it.behaviour = proxy.slow(TAKES_S)
        hold(job, plan.fault_s)
        faults = (slowed, full, not_found, nonsense)
        judges = [fault(job, before_it, plan) for fault in faults]
        job.finish()
        checks, rows = of_whole(job, "odd answers")
    return [*checks, *(check for judge in judges for check in judge(rows))]


def slowed(job: WatchedJob, before_it: FaultProxy, plan: Plan) -> Judge:
    """Calls take ten times as long."""
    say("calls take ten times as long")
    before_it.behaviour = proxy.slow(10 * TAKES_S)
    before = job.reading()
    after = hold(job, plan.fault_s)
    before_it.behaviour = proxy.slow(TAKES_S)

    def judge(rows: Rows) -> list[Check]:
        name, within = "ten times slower", rows.between(before.at_ms, after.at_ms)
        share = within.reasons()["stable"] / max(1, len(within.rows))
        return [
            Check(name, "share of rows by the model", round(share, 3), ">=", 0.95, by_time=True),
            *of_calls(name, before, after),
            *of_checkpoints(name, before, after),
        ]

    return judge


def full(job: WatchedJob, before_it: FaultProxy, plan: Plan) -> Judge:
    """The server takes half of the calls and says RESOURCE_EXHAUSTED to the others."""
    capacity = _usual_calls(job, before_it, plan) / 2
    say(f"the model server takes {capacity:.0f} calls/s and says RESOURCE_EXHAUSTED to others")
    before_it.behaviour = _limited(capacity)
    begin, answered = job.reading(), before_it.counts["answered"]
    after = hold(job, plan.fault_s)
    rate = (before_it.counts["answered"] - answered) * 1000 / (after.at_ms - begin.at_ms)
    before_it.behaviour = proxy.slow(TAKES_S)
    calls, retries = after.calls - begin.calls, after.retries - begin.retries

    def judge(rows: Rows) -> list[Check]:
        name, reasons = "queue full", rows.between(begin.at_ms, after.at_ms).reasons()
        share = round(rate / capacity, 3)
        return [
            Check(name, "answers a second / capacity", share, ">=", 0.8, by_time=True),
            Check(name, "retries a call over the whole run", _whole(after), "<=", 0.2),
            Check(name, "retries beyond a fifth", round(retries - calls / 5), "<=", _SAVED),
            Check(name, "retries meanwhile", retries, ">=", 1),
            Check(name, "rows that were refused", reasons["overloaded"], ">=", 1),
            Check(name, "rows without a call", reasons["circuit_open"], "=", 0),
            *of_checkpoints(name, begin, after),
        ]

    return judge


def _usual_calls(job: WatchedJob, before_it: FaultProxy, plan: Plan) -> float:
    """Calls a second without a fault."""
    before, came = job.reading(), before_it.counts["came"]
    after = hold(job, plan.fault_s)
    return (before_it.counts["came"] - came) * 1000 / (after.at_ms - before.at_ms)


def _whole(after: Reading) -> float:
    return round(after.retries / max(1, after.calls), 3)


def _limited(calls_a_second: float) -> proxy.Behaviour:
    """So many calls a second, five more after a pause; a status to all others."""
    tokens, filled = 5.0, time.monotonic()
    refused = proxy.failing(grpc.StatusCode.RESOURCE_EXHAUSTED, "the queue is full")

    async def behaviour(request: bytes, context: Any, forward: Forward) -> bytes:
        nonlocal tokens, filled
        now = time.monotonic()
        tokens, filled = min(5.0, tokens + (now - filled) * calls_a_second), now
        if tokens < 1:
            return await refused(request, context, forward)
        tokens -= 1
        return await forward(request)

    return behaviour


def not_found(job: WatchedJob, before_it: FaultProxy, plan: Plan) -> Judge:
    """The version vanishes and comes back."""
    say("the version vanishes")
    details = "Servable not found for request: Latest(fraud)"
    before_it.behaviour = proxy.failing(grpc.StatusCode.NOT_FOUND, details)
    before = job.reading()
    gone = hold(job, plan.fault_s)
    before_it.behaviour = proxy.slow(TAKES_S)
    back_ms = now_ms()
    after = hold(job, plan.fault_s)

    def judge(rows: Rows) -> list[Check]:
        name, reasons = "version vanished", rows.between(before.at_ms, gone.at_ms).reasons()
        later = rows.between(back_ms + 1000, after.at_ms).reasons()
        return [
            Check(name, "rows by the rule for it", reasons["not_found"], ">=", 1),
            Check(name, "rows without a call", reasons["circuit_open"], "=", 0),
            Check(name, "rows by the rule, 1 s after its return", later["not_found"], "=", 0),
            Check(name, "rows by the model afterwards", later["stable"], ">=", 1),
            *of_calls(name, before, after),
            *of_checkpoints(name, before, after),
        ]

    return judge


def nonsense(job: WatchedJob, before_it: FaultProxy, plan: Plan) -> Judge:
    """Answers are spoilt in every way that has a reason of its own."""
    say("the model talks nonsense")
    kinds: Iterator[Any] = cycle(SPOILT)

    async def behaviour(request: bytes, context: Any, forward: Forward) -> bytes:
        _, spoil = next(kinds)
        return await proxy.spoiling(spoil)(request, context, forward)

    before = job.reading()
    before_it.behaviour = behaviour
    after = hold(job, plan.fault_s)
    before_it.behaviour = proxy.slow(TAKES_S)

    def judge(rows: Rows) -> list[Check]:
        name, reasons = "nonsense", rows.between(before.at_ms, after.at_ms).reasons()
        wanted = {reason for reason, _ in SPOILT}
        return [
            Check(name, "reasons that never came", len(wanted - set(reasons)), "=", 0),
            *of_calls(name, before, after),
            *of_checkpoints(name, before, after),
        ]

    return judge
