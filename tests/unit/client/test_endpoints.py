"""Which replica a call goes to."""

from collections import Counter

import pytest

from tests.unit.client.clocks import HandClock
from tests.unit.client.replicas import FakeReplica
from udfs.client.endpoints import Endpoints
from udfs.client.outcomes import Failure, FailureReason


def replicas(count: int) -> list[FakeReplica]:
    clock = HandClock()
    return [FakeReplica(clock, target=f"{name}:1") for name in "abc"[:count]]


def chosen(endpoints: Endpoints, times: int = 1) -> Counter[str]:
    """How often each replica was chosen."""
    return Counter(
        found.reason.value if isinstance(found, Failure) else found.target
        for found in (endpoints.choose() for _ in range(times))
    )


def broken(replica: FakeReplica) -> None:
    for _ in range(3):
        replica.breaker.failed(replica.breaker.begin())


@pytest.mark.parametrize("count", [1, 2, 3])
def test_load_is_split_evenly(count: int) -> None:
    split = chosen(Endpoints(replicas(count)), 600)
    assert sorted(split.values()) == [600 // count] * count


def test_replica_without_a_connection_gets_no_call_while_another_has_one() -> None:
    both = replicas(2)
    both[0].connected = False
    assert chosen(Endpoints(both), 10) == {"b:1": 10}


def test_rest_of_three_share_evenly() -> None:
    three = replicas(3)
    three[1].connected = False
    assert chosen(Endpoints(three), 10) == {"a:1": 5, "c:1": 5}


def test_without_any_connection_all_are_tried() -> None:
    both = replicas(2)
    both[0].connected = both[1].connected = False
    assert chosen(Endpoints(both), 10) == {"a:1": 5, "b:1": 5}


def test_replica_that_fails_too_often_gets_no_call() -> None:
    both = replicas(2)
    broken(both[0])
    assert chosen(Endpoints(both), 10) == {"b:1": 10}


@pytest.mark.parametrize("count", [1, 2])
def test_no_replica_is_a_failure_that_names_them(count: int) -> None:
    some = replicas(count)
    for replica in some:
        broken(replica)
    found = Endpoints(some).choose()
    assert isinstance(found, Failure)
    assert found.reason is FailureReason.CIRCUIT_OPEN
    assert found.message.startswith(", ".join(replica.target for replica in some))


@pytest.mark.parametrize(
    ("other_connected", "again"), [(True, "b:1"), (False, "a:1")], ids=["other", "only one"]
)
def test_second_attempt_goes_elsewhere_if_there_is_a_connection(
    other_connected: bool, again: str
) -> None:
    both = replicas(2)
    both[1].connected = other_connected
    found = [Endpoints(both).choose([both[0]]) for _ in range(2)]
    assert [each.target for each in found if not isinstance(each, Failure)] == [again] * 2
