"""Faults of the model server under a running job, each shorter than `make fault-test` has them."""

from collections.abc import Iterator

import pytest

from benchmarks.model_faults.faults import FAULTS
from benchmarks.model_faults.ground import Ground, open_ground
from benchmarks.model_faults.plan import Plan

PLAN = Plan(outage_s=4.0, fault_s=2.0, rate=1000, seed=1)


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with open_ground() as ground:
        yield ground


@pytest.mark.parametrize("name", FAULTS)
def test_what_has_to_hold_holds(ground: Ground, name: str) -> None:
    # Times depend on what else the machine does: `make fault-test` holds them against bounds.
    checks = [check for check in FAULTS[name](ground, PLAN) if not check.by_time]
    assert [check for check in checks if not check.holds] == []
    assert len(checks) > 10
