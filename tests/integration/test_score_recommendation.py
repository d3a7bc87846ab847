"""Sessions through a real broker and a real mini-cluster: the stream's are those of training."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.integration.scoring import Kafka, options, run
from training.dataset import build
from udfs.features.sessions import NO_ITEM
from udfs.records import FeatureRow
from udfs.use_cases.contract import Label
from udfs.use_cases.recommendation import RECOMMENDATION, TOP, rule

START_MS, SPAN_MS = 1_750_000_000_000, 6 * 3_600_000


class Recommended(msgspec.Struct):
    """What a prediction of the use case has beside its provenance."""

    business_id: int
    items: list[int]
    scores: list[float]
    route: str


def made(count: int) -> list[tuple[Any, Label]]:
    return list(RECOMMENDATION.generate(3, START_MS, count, SPAN_MS))


@pytest.fixture
def streamed(kafka: Kafka, state: Path) -> Kafka:
    """A topic of clicks that went through the job, in two partitions and four shards."""
    kafka.send_raw(
        (b"%d" % click.visitor_id, msgspec.json.encode(click), click.event_time_ms)
        for click, _ in made(4_000)
    )
    run(options(kafka, state, use_case="recommendation", parallelism=2, shards=4))
    return kafka


def test_streamed_sessions_equal_those_of_training_and_the_rule_answers_in_lists(
    streamed: Kafka,
) -> None:
    data = build(RECOMMENDATION, made(4_000))
    expected = dict(zip(data.business_ids.tolist(), data.features.tolist(), strict=True))
    found = [
        msgspec.json.decode(value, type=FeatureRow) for value in streamed.committed("features")
    ]
    assert len(found) == len(expected)
    assert {row.business_id: row.features for row in found} == expected
    assert max(row.sequence for row in found) > 10

    answers = [
        msgspec.json.decode(value, type=Recommended) for value in streamed.committed("predictions")
    ]
    items, scores = rule(data.features)
    by_rule = zip(data.business_ids.tolist(), items.tolist(), scores.tolist(), strict=True)
    assert {answer.route for answer in answers} == {"fallback:rule"}
    assert {(a.business_id, tuple(a.items), tuple(a.scores)) for a in answers} == {
        (identity, tuple(shown), tuple(shares)) for identity, shown, shares in by_rule
    }
    assert {len(answer.items) for answer in answers} == {TOP}
    assert all(NO_ITEM in answer.items for answer in answers)
