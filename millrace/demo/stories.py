"""How a use case is shown: its words, and what the generator's truth says about an answer."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from millrace.demo.answers import Answers, Judged
from udfs.features.sessions import NO_ITEM
from udfs.use_cases.contract import DECISION, SCORE, Label, UseCase
from udfs.use_cases.recommendation import TOP

_RECORDS_PER_DAY = 5_000
_HISTORY_DAYS = 8
_FRAUD_DAY_S = 60.0
# A day that has begun, 14 until silence means honest, 7 of test and 7 of delay.
_FRAUD_DAYS_BEYOND = 29
# And a month of training: before its second week no terminal has a risk to learn from.
_FRAUD_HISTORY_DAYS = _FRAUD_DAYS_BEYOND + 31
_WORN_CYCLES = 30.0


@dataclass(frozen=True)
class Watched:
    """The second entity keys that are shown by their risk, as the feature rows tell it.

    Attributes:
        title: of the list.
        noun: a key.
        risk: name of the feature that they are ranked by, a share.
        count: name of the feature that says of how many records.
        least: records below which a share says nothing.
    """

    title: str
    noun: str
    risk: str
    count: str
    least: int


@dataclass(frozen=True)
class Story:
    """How a use case is shown.

    Attributes:
        title: what it is about.
        noun: its records, in the plural.
        notable: answers that are listed, in the plural.
        history_count: (live records a second, days) -> records of a history in which the same
            entities act as in live traffic, as often as in the training history.
        describe: a record in a few words that say why somebody would look at it.
        judge: (answer, what the generator knows, None for a record of the history) -> what the
            answer is worth; the answer has the outputs' fields.
        say: what a notable answer says.
        headings: of the table of who answered, after its first two columns.
        figures: the cells below them.
        measure: the training's figure that is told; None for its first one.
        history_days: days of history, unless others are asked for.
        day_s: seconds in which a day of live traffic passes on average, with event times of the
            past; None: live traffic is of now.
        days_beyond: days of history that a training from its archive needs beside those that it
            trains on; None: no model is trained from it.
        watched: the second entity keys whose risk is shown.
    """

    title: str
    noun: str
    notable: str
    history_count: Callable[[float, int], int]
    describe: Callable[[Any], str]
    judge: Callable[[Any, Label | None], Judged]
    say: Callable[[Any], str]
    headings: tuple[str, ...]
    figures: Callable[[Answers], tuple[str, ...]]
    measure: str | None = None
    history_days: int = _HISTORY_DAYS
    day_s: float | None = None
    days_beyond: int | None = None
    watched: Watched | None = None


def story_of(use_case: UseCase) -> Story:
    """How the use case is shown; one without a story of its own is shown by its outputs."""
    told = STORIES.get(use_case.name)
    if told is not None:
        return told
    if {SCORE, DECISION} <= set(use_case.model.outputs):
        return _yes_or_no(use_case.name, "records", "positives", _any_history, _identity(use_case))
    return _plain(use_case)


def _any_history(rate: float, days: int) -> int:
    return _RECORDS_PER_DAY * days


def _identity(use_case: UseCase) -> Callable[[Any], str]:
    key, name = use_case.entity_key, use_case.business_id
    return lambda record: f"{key} {getattr(record, key):<8} {name} {getattr(record, name)}"


def _yes_or_no(
    title: str,
    noun: str,
    positives: str,
    history_count: Callable[[float, int], int],
    describe: Callable[[Any], str],
) -> Story:
    """The story of a label that is true or false, and of alerts."""

    def figures(answers: Answers) -> tuple[str, ...]:
        caught = f"{answers.caught:,} of {answers.positives:,}" if answers.live else "-"
        false = f"{answers.false_alarms:,}" if answers.live else "-"
        return (f"{answers.alerts:,}", caught, false)

    return Story(
        title=title,
        noun=noun,
        notable="alerts",
        history_count=history_count,
        describe=describe,
        judge=lambda answer, truth: Judged(answer.decision, bool(truth)),
        say=lambda answer: f"score {answer.output:.2f}",
        headings=("alerts", f"live {positives} caught", "false alarms"),
        figures=figures,
        measure="average_precision",
    )


def _plain(use_case: UseCase) -> Story:
    """The story of outputs that nobody has told how to judge."""
    return Story(
        title=use_case.name,
        noun="records",
        notable="notable answers",
        history_count=_any_history,
        describe=_identity(use_case),
        judge=lambda answer, truth: Judged(notable=False, positive=False),
        say=lambda answer: "",
        headings=("live",),
        figures=lambda answers: (f"{answers.live:,}",),
    )


def _fraud_history(rate: float, days: int) -> int:
    return round(rate * _FRAUD_DAY_S) * days


def _fraud_record(record: Any) -> str:
    amount = f"{record.amount_cents / 100:,.2f}"
    return f"{amount:>9}  customer {record.customer_id:<6} terminal {record.terminal_id:<6}"


def _next_item(answer: Any, truth: Label | None) -> Judged:
    """Notable is an answer that has the next item; whether there is a next one, truth knows."""
    positive = truth is not None and truth != NO_ITEM
    return Judged(positive and truth in answer.items, positive)


def _hits(answers: Answers) -> tuple[str, ...]:
    if not answers.positives:
        return ("-", "-")
    share = answers.caught / answers.positives
    return (f"{answers.caught:,} of {answers.positives:,}", f"{share:.1%}")


def _worn(answer: Any, truth: Label | None) -> Judged:
    """Notable is a machine that is said to fail soon; whether it does, truth knows."""
    return Judged(answer.output < _WORN_CYCLES, truth is not None and truth < _WORN_CYCLES)


def _found(answers: Answers) -> tuple[str, ...]:
    if not answers.live:
        return (f"{answers.alerts:,}", "-", "-")
    found = f"{answers.caught:,} of {answers.positives:,}"
    return (f"{answers.alerts:,}", found, f"{answers.false_alarms:,}")


STORIES = {
    "fraud": replace(
        _yes_or_no("card fraud", "transactions", "frauds", _fraud_history, _fraud_record),
        history_days=_FRAUD_HISTORY_DAYS,
        day_s=_FRAUD_DAY_S,
        days_beyond=_FRAUD_DAYS_BEYOND,
        watched=Watched(
            "riskiest terminals, moved last: frauds among purchases 7 to 37 days ago",
            "terminal",
            risk="terminal_risk_30d",
            count="terminal_count_30d",
            least=5,
        ),
    ),
    "recommendation": Story(
        title="the next item",
        noun="clicks",
        notable="hits",
        history_count=_any_history,
        describe=lambda click: f"visitor {click.visitor_id:<7} item {click.item_id:<6}",
        judge=_next_item,
        say=lambda answer: f"the next one is among items {answer.items[0]}, {answer.items[1]}, …",
        headings=(f"live next items in the top {TOP}", "share"),
        figures=_hits,
        measure="p_at_20",
    ),
    "maintenance": Story(
        title="remaining life",
        noun="readings",
        notable="worn machines",
        history_count=_any_history,
        describe=lambda reading: f"unit {reading.unit_id}  cycle {reading.cycle:<4}",
        judge=_worn,
        say=lambda answer: f"{answer.output:.0f} cycles left",
        headings=(f"below {_WORN_CYCLES:.0f} cycles", "live ones found", "too early"),
        figures=_found,
        measure="rmse_capped",
    ),
}
