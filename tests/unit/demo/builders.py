"""Builders for tests of the demo."""

from typing import Any

from millrace.demo.answers import answer_type
from millrace.demo.plan import Plan
from millrace.demo.stories import story_of
from millrace.demo.tally import Letter, Tally
from udfs.records import Reason
from udfs.use_cases.fraud import FRAUD, Transaction


def plan(**changes: Any) -> Plan:
    values: dict[str, Any] = {
        "use_case_name": "fraud",
        "use_case": FRAUD,
        "story": story_of(FRAUD),
        "once": True,
        "rate": 50.0,
        "count": 2_000,
        "seed": 1,
        "history_days": 60,
        "train_count": 100_000,
        "retrain": False,
    }
    return Plan(**{**values, **changes})


def transaction(number: int) -> Transaction:
    return Transaction(number, 17, 4, 12_345, 1_750_000_000_000)


def answer(number: int, *, decision: bool = False, version: int | None = None) -> Any:
    return answer_type(FRAUD)(
        business_id=number,
        model_version=version,
        route="fallback:rule" if version is None else "stable",
        fallback_reason="unavailable" if version is None else None,
        source_partition=0,
        source_offset=number,
        output=0.5,
        decision=decision,
    )


def letter(offset: int, reason: Reason = Reason.EMPTY, topic: str = "fraud.raw") -> Letter:
    return Letter(reason, "[bold]Expected[/] `int`", topic, 0, offset)


def tally() -> Tally:
    return Tally(started=0.0, judge=story_of(FRAUD).judge, event_time="event_time_ms")
