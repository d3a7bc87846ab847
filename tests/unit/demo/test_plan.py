"""What a demo does: the history's size, and when enough was seen."""

import pytest

from tests.unit.demo.builders import plan
from udfs.use_cases.fraud_world import World

_DAY_MS = 86_400_000


@pytest.mark.parametrize("rate", [1.0, 50.0, 300.0])
def test_the_history_is_of_the_customers_of_live_traffic(rate: float) -> None:
    made = plan(rate=rate)
    fitting = World.fitting(made.seed, made.history_count, made.history_days * _DAY_MS)
    assert fitting == World.for_rate(made.seed, rate)


def test_there_may_be_no_history() -> None:
    assert plan(history_days=0).history_count == 0


def test_enough_is_never_more_than_was_asked_for() -> None:
    assert [plan(count=n).enough_model_answers for n in (1, 100, 10_000)] == [1, 100, 1_000]
