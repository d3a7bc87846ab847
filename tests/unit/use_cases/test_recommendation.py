"""The shop of the generator, the rule, and the gap of one's own."""

from collections import Counter, defaultdict
from datetime import timedelta
from itertools import pairwise

import numpy as np

from udfs.use_cases.recommendation import LENGTH, RECOMMENDATION, TOP, recommendation, rule
from udfs.use_cases.recommendation_records import Click
from udfs.use_cases.recommendation_world import generate

DAY_MS = 86_400_000
START_MS = 20_000 * DAY_MS
GAP_MS = 30 * 60_000


def made(count: int = 20_000, days: int = 10) -> list[tuple[Click, int]]:
    return list(generate(1, START_MS, count, days * DAY_MS))


def test_a_label_is_the_next_item_of_the_visitors_session() -> None:
    by_visitor: dict[int, list[tuple[Click, int]]] = defaultdict(list)
    for click, label in made():
        by_visitor[click.visitor_id].append((click, label))
    wrong = checked = 0
    for clicks in by_visitor.values():
        for (click, label), (later, _) in pairwise(clicks):
            runs_on = later.event_time_ms - click.event_time_ms <= GAP_MS
            wrong += label != (later.item_id if runs_on else -1)
            checked += 1
    assert checked > 15_000
    assert wrong == 0


def test_visitors_come_back() -> None:
    begun = Counter(click.visitor_id for click, label in made() if label == -1)
    assert np.median(list(begun.values())) >= 2


def test_tastes_drift() -> None:
    def popular(day: int) -> set[int]:
        clicks = generate(1, START_MS + day * DAY_MS, 20_000, DAY_MS)
        return {item for item, _ in Counter(c.item_id for c, _ in clicks).most_common(200)}

    same_days, weeks_later = popular(0) & popular(1), popular(0) & popular(30)
    assert len(weeks_later) < len(same_days) / 2


def test_the_rule_shows_each_item_of_the_session_once() -> None:
    session = np.array([[7, 3, 7, 5, -1, -1, -1, -1, -1, -1], [-1] * LENGTH])
    items, scores = rule(session)
    assert items[:, :4].tolist() == [[7, 3, 5, -1], [-1] * 4]
    assert (items[:, 3:] == -1).all()
    assert ((scores > 0) == (items != -1)).all()


def test_the_rule_shows_no_more_than_its_places() -> None:
    items, _ = rule(np.arange(25)[None])
    assert items[0].tolist() == list(range(TOP))


def test_another_gap_is_another_spec_and_another_wait_for_labels() -> None:
    shop = recommendation("shop", gap=timedelta(minutes=5), length=4)
    assert shop.spec.hash != RECOMMENDATION.spec.hash
    assert (shop.label_delay, len(shop.spec.names)) == (timedelta(minutes=5), 4)
    assert (shop.name, shop.model.model_name) == ("shop", "shop")
