"""How many retries calls may make."""

import random

import pytest

from udfs.client.budget import RetryBudget


@pytest.mark.parametrize("percent", [0, 7, 20, 100])
def test_retries_never_exceed_their_share_of_the_calls(percent: int) -> None:
    budget, draw = RetryBudget(percent, burst=10_000), random.Random(percent)
    calls = retries = 0
    for _ in range(20_000):
        if draw.random() < 0.3:
            budget.call()
            calls += 1
        else:
            retries += budget.retry()
        assert retries * 100 <= calls * percent
    assert retries == calls * percent // 100


def test_a_good_time_is_saved_up_to_the_burst_only() -> None:
    budget = RetryBudget(percent=20, burst=10)
    for _ in range(1000):
        budget.call()
    assert [budget.retry() for _ in range(11)] == [True] * 10 + [False]
