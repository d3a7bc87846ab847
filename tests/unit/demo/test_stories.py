"""How use cases are shown: those with a story, and any other one by its outputs."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from millrace.demo.answers import Answers, Judged, answer_type
from millrace.demo.stories import story_of
from udfs.use_cases.contract import Output, UseCase
from udfs.use_cases.find import find_use_case, use_case_names
from udfs.use_cases.fraud import FRAUD
from udfs.use_cases.recommendation import RECOMMENDATION

YES_OR_NO = replace(FRAUD, name="loans")
PLAIN = replace(FRAUD, name="prices", model=replace(FRAUD.model, outputs=(Output("p", "price"),)))

PROVENANCE = {
    "business_id": 1,
    "model_version": 3,
    "route": "stable",
    "fallback_reason": None,
    "source_partition": 0,
    "source_offset": 7,
}


def answered(use_case: UseCase, **outputs: Any) -> Any:
    prediction = msgspec.json.encode({**PROVENANCE, "late": False, **outputs})
    return msgspec.json.decode(prediction, type=answer_type(use_case))


def test_an_answer_has_the_outputs_of_its_use_case() -> None:
    answer = answered(RECOMMENDATION, items=[5, -1], scores=[0.5, 0])
    assert (answer.items, answer.scores, answer.model_version) == ([5, -1], [0.5, 0.0], 3)


@pytest.mark.parametrize(
    ("truth", "judged"),
    [
        (5, Judged(notable=True, positive=True)),
        (6, Judged(notable=False, positive=True)),
        (-1, Judged(notable=False, positive=False)),
        (None, Judged(notable=False, positive=False)),
    ],
    ids=["hit", "miss", "last click", "history"],
)
def test_a_recommendation_is_judged_by_the_next_item(truth: int | None, judged: Judged) -> None:
    answer = answered(RECOMMENDATION, items=[4, 5, -1], scores=[0.5, 0.2, 0])
    assert story_of(RECOMMENDATION).judge(answer, truth) == judged


@pytest.mark.parametrize("use_case", [FRAUD, YES_OR_NO], ids=lambda use_case: use_case.name)
def test_alerts_are_told_wherever_something_is_decided(use_case: UseCase) -> None:
    story, answer = story_of(use_case), answered(use_case, output=0.9, decision=True)
    assert story.judge(answer, False) == Judged(notable=True, positive=False)
    assert story.say(answer) == "score 0.90"


def test_other_outputs_are_counted() -> None:
    story, answer = story_of(PLAIN), answered(PLAIN, price=3.5)
    assert story.judge(answer, 1.0) == Judged(notable=False, positive=False)
    assert story.figures(Answers(predictions=9, live=4)) == ("4",)


@pytest.mark.parametrize("name", use_case_names())
def test_every_installed_use_case_can_be_shown(name: str) -> None:
    use_case = find_use_case(name)
    story = story_of(use_case)
    ((record, _),) = use_case.generate(1, 0, 1, 86_400_000)
    assert story.describe(record)
    assert story.history_count(50.0, 8) > 0
    assert len(story.figures(Answers())) == len(story.figures(Answers(9, 3, 3, 3, 2, 1)))
    assert len(story.figures(Answers())) == len(story.headings)
