"""What a demo does: the history's size, and when enough was seen."""

import pytest

from millrace.demo.plan import LIVE_DAYS
from millrace.demo.stories import story_of
from tests.unit.demo.builders import plan
from udfs.use_cases.contract import UseCase
from udfs.use_cases.fraud import FRAUD
from udfs.use_cases.fraud_world import World
from udfs.use_cases.recommendation import RECOMMENDATION

_DAY_MS = 86_400_000


@pytest.mark.parametrize("rate", [10.0, 50.0, 300.0])
def test_the_history_is_of_the_customers_of_live_traffic(rate: float) -> None:
    made = plan(rate=rate)
    days = (made.history_days, made.history_days + LIVE_DAYS)
    worlds = [
        World.fitting(made.seed, made.story.history_count(rate, n), n * _DAY_MS) for n in days
    ]
    assert worlds[0] == worlds[1]


@pytest.mark.parametrize(
    ("use_case", "days", "trained"),
    [(FRAUD, 60, 31), (FRAUD, 43, 14), (FRAUD, 42, 0), (RECOMMENDATION, 60, 0)],
    ids=["usual", "least", "too few", "no labels"],
)
def test_a_challenger_needs_days_and_labels(use_case: UseCase, days: int, trained: int) -> None:
    made = plan(use_case=use_case, story=story_of(use_case), history_days=days)
    assert made.challenge_days == trained


def test_there_may_be_no_history() -> None:
    assert plan(history_days=0).history_count == 0


def test_enough_is_never_more_than_was_asked_for() -> None:
    assert [plan(count=n).enough_model_answers for n in (1, 100, 10_000)] == [1, 100, 1_000]
