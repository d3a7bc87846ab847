"""Faults of the model server under a running job, one after another, and what has to hold.

Each is short here; `make fault-test` has them at full length, and judges times as well.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import pytest

from benchmarks.model_faults import proxy
from benchmarks.model_faults.checks import Check, of_whole
from benchmarks.model_faults.ground import Ground, open_ground
from benchmarks.model_faults.odd_answers import TAKES_S, full, nonsense, not_found, slowed
from benchmarks.model_faults.one_server import black_hole, killed
from benchmarks.model_faults.plan import Judge, Plan, hold
from benchmarks.model_faults.proxy import FaultProxy
from benchmarks.model_faults.two_replicas import drained
from benchmarks.model_faults.watched import WatchedJob, until, watched
from millrace.stack.model_server import ModelServer
from udfs.client.breaker import BreakerState

PLAN = Plan(outage_s=3.0, fault_s=1.0, rate=1000, seed=1)
WHOLE = "all of them"
FAULTS = (
    *("replica drained", "kill -9", "black hole", "ten times slower", "queue full"),
    *("version vanished", "nonsense", WHOLE),
)
"""What is done to one job, in this order, and what has to hold over all of it."""


@pytest.fixture(scope="module")
def checks() -> Iterator[Mapping[str, Sequence[Check]]]:
    found = defaultdict(list)
    with open_ground() as ground:
        for check in _in_turn(ground):
            # Times depend on what else the machine does.
            if not check.by_time:
                found[check.fault].append(check)
    yield found


@pytest.mark.parametrize("fault", FAULTS)
def test_what_has_to_hold_holds(checks: Mapping[str, Sequence[Check]], fault: str) -> None:
    assert [check for check in checks[fault] if not check.holds] == []
    assert len(checks[fault]) > 1


def test_no_fault_is_left_out(checks: Mapping[str, Sequence[Check]]) -> None:
    assert sorted(name for name, found in checks.items() if found) == sorted(FAULTS)


def _in_turn(ground: Ground) -> Sequence[Check]:
    with (
        ground.model_server("first", 1) as first,
        ground.model_server("second", 2) as second,
        watched(
            ground,
            "faults",
            f"{first.target},{second.target}",
            deadline_ms=1000,
            checkpoint_ms=1000,
            rate=PLAN.rate,
            seed=PLAN.seed,
        ) as job,
    ):
        hold(job, PLAN.fault_s)
        judges = [drained(job, [first, second], PLAN)]
        # From here on the second is the only one.
        judges += [killed(job, second, PLAN), black_hole(job, second, PLAN)]
        second.stop()
        judges += _behind_a_proxy(ground, job, [first, second])
        checks, rows = of_whole(job, WHOLE)
    return [*checks, *(check for judge in judges for check in judge(rows))]


def _behind_a_proxy(
    ground: Ground, job: WatchedJob, gone: Sequence[ModelServer]
) -> Sequence[Judge]:
    """A proxy before a third server takes the places of two that are gone."""
    with (
        ground.model_server("third", 3) as third,
        FaultProxy(third.target, [server.port for server in gone]) as before_it,
    ):
        before_it.behaviour = proxy.slow(TAKES_S)
        judges = []
        for fault in (slowed, full, not_found, nonsense):
            _well_again(job, gone, before_it)
            judges.append(fault(job, before_it, PLAN))
        job.finish()
    return judges


def _well_again(job: WatchedJob, gone: Sequence[ModelServer], before_it: FaultProxy) -> None:
    answered = before_it.counts["answered"]
    targets = [server.target for server in gone]
    until(lambda: {job.breaker(at) for at in targets} == {BreakerState.CLOSED}, "closed breakers")
    until(lambda: before_it.counts["answered"] > answered, "an answer")
