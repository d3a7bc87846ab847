"""Risks of second entity keys: the newest of each, how it moved, the highest first."""

from millrace.demo.risks import Risk, Risks, Row
from millrace.demo.stories import story_of
from udfs.use_cases.fraud import FRAUD, SPEC


def row(key: int, risk: float, count: int, time_ms: int = 10) -> Row:
    features = dict.fromkeys(SPEC.names, 0.0)
    features |= {"terminal_risk_30d": risk, "terminal_count_30d": float(count)}
    return Row(key, time_ms, list(features.values()))


def risks(*rows: Row) -> Risks:
    watched = story_of(FRAUD).watched
    assert watched is not None
    found = Risks(watched, FRAUD, started=0.0)
    found.live_from_ms = 10
    for each in rows:
        found.take(each)
    return found


def told(found: list[Risk]) -> list[tuple[int, float, int, float | None]]:
    return [(risk.key, risk.risk, risk.count, risk.before) for risk in found]


def test_the_riskiest_keys_come_first_and_few_records_tell_nothing() -> None:
    found = risks(row(1, 0.25, 8), row(2, 0.75, 8), row(3, 1.0, 2), row(4, 0.0, 9))
    assert told(found.riskiest(5)) == [(2, 0.75, 8, None), (1, 0.25, 8, None)]


def test_a_risk_that_moved_says_from_where() -> None:
    found = risks(row(1, 0.5, 8), row(1, 0.6, 10), row(1, 0.6, 15))
    assert told(found.riskiest(1)) == [(1, 0.6, 15, 0.5)]
    assert found.riskiest(1)[0].positives == 9


def test_moves_in_the_history_are_not_told_and_what_cannot_be_is_left_out() -> None:
    found = risks(row(1, 0.5, 8, 8), row(1, 0.6, 10, 9), row(2, 1.1, 9, 9))
    assert told(found.riskiest(2)) == [(1, 0.6, 10, None)]
