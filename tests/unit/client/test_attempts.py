"""How often a call is tried, and until when."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.unit.client.clocks import HandClock
from tests.unit.client.replicas import FakeReplica
from udfs.client.attempts import Attempts
from udfs.client.backoff import Backoff
from udfs.client.budget import RetryBudget
from udfs.client.counts import CallCounts
from udfs.client.deadline import Deadline
from udfs.client.endpoints import Endpoints
from udfs.client.outcomes import Failure, FailureReason

GONE = Failure(FailureReason.UNAVAILABLE, "gone", retryable=True, counts=True)
BUSY = Failure(FailureReason.OVERLOADED, "busy", retryable=True)
WRONG = Failure(FailureReason.INVALID_REQUEST, "wrong")
LATE = Failure(FailureReason.DEADLINE, "late", counts=True)


class Calls:
    """Attempts over replicas, with waits of exactly their bound and a budget for five retries."""

    def __init__(self, *replicas: FakeReplica, clock: HandClock, budget: int = 5) -> None:
        self.counts, self.clock = CallCounts(), clock
        self.budget = RetryBudget(percent=100)
        for _ in range(budget):
            self.budget.call()
        backoff = Backoff(0.1, 1.0, lambda: 1.0)
        self.attempts = Attempts(
            Endpoints(replicas), self.budget, backoff, self.counts, clock.sleep
        )

    def call(self, seconds: float = 1.0) -> bytes | Failure:
        """How a call with so much time ends."""
        deadline = Deadline.after(seconds, self.clock)
        return asyncio.run(self.attempts.call("m", b"", deadline))


def one(outcomes: Sequence[bytes | Failure], *, takes_s: float = 0.0) -> tuple[Calls, FakeReplica]:
    clock = HandClock()
    replica = FakeReplica(clock, outcomes, takes_s=takes_s)
    return Calls(replica, clock=clock), replica


def test_answer_is_handed_over_after_one_attempt() -> None:
    calls, replica = one([b"yes"])
    assert (calls.call(), replica.called, calls.counts.retries) == (b"yes", [1.0], 0)


@pytest.mark.parametrize("failed", [GONE, BUSY])
def test_failure_that_a_retry_helps_is_tried_again_after_a_wait(failed: Failure) -> None:
    calls, replica = one([failed, failed, b"yes"])
    assert (calls.call(), replica.called) == (b"yes", [1.0, 0.9, 0.7])
    assert (calls.counts.attempts, calls.counts.retries) == (3, 2)


@pytest.mark.parametrize("failed", [WRONG, LATE])
def test_failure_that_no_retry_helps_is_final(failed: Failure) -> None:
    calls, replica = one([failed, b"yes"])
    assert (calls.call(), len(replica.called)) == (failed, 1)


def test_no_retry_without_budget() -> None:
    clock = HandClock()
    replica = FakeReplica(clock, [GONE] * 9)
    calls = Calls(replica, clock=clock, budget=0)
    # The call itself pays for one retry.
    assert (calls.call(), len(replica.called)) == (GONE, 2)


def test_no_retry_that_would_begin_after_the_deadline() -> None:
    calls, replica = one([BUSY] * 9, takes_s=0.2)
    # 0.2, wait 0.1, 0.2, wait 0.2, 0.2: the next wait of 0.4 would pass the deadline of 1.0.
    assert calls.call() == BUSY
    assert replica.called == [1.0, 0.7, 0.3]
    assert calls.clock.now_s - 100.0 <= 1.0


def test_no_attempt_without_time() -> None:
    calls, replica = one([b"yes"])
    outcome = calls.call(0.0)
    assert isinstance(outcome, Failure)
    assert (outcome.reason, replica.called) == (FailureReason.DEADLINE, [])


def test_retry_goes_to_the_other_replica() -> None:
    clock = HandClock()
    both = [FakeReplica(clock, [GONE] * 9, target=name) for name in ("a:1", "b:1")]
    assert Calls(*both, clock=clock, budget=0).call() == GONE
    assert [len(replica.called) for replica in both] == [1, 1]


def test_open_circuit_ends_a_call_without_an_attempt() -> None:
    calls, replica = one([b"yes"])
    for _ in range(3):
        replica.breaker.failed(replica.breaker.begin())
    outcome = calls.call()
    assert isinstance(outcome, Failure)
    assert (outcome.reason, replica.called) == (FailureReason.CIRCUIT_OPEN, [])


def test_last_attempt_says_why_when_its_endpoint_opened() -> None:
    clock = HandClock()

    class Opening(FakeReplica):
        async def call(self, method: str, message: bytes, timeout_s: float) -> bytes | Failure:
            for _ in range(3):
                self.breaker.failed(self.breaker.begin())
            return await super().call(method, message, timeout_s)

    assert Calls(Opening(clock, [GONE]), clock=clock).call() == GONE
