"""What a demo does: the options of its command, and how a use case is shown."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from udfs.errors import ConfigurationError, MillraceError
from udfs.use_cases.contract import UseCase
from udfs.use_cases.find import find_use_case
from udfs.use_cases.fraud_world import World

MALFORMED_SHARE = 0.005
_PURCHASES_PER_DAY = 2


class DemoFailed(MillraceError):
    """A part of the demo ended by itself, or its counts do not close; the message names the log."""


@dataclass(frozen=True)
class Story:
    """How a use case is shown.

    Attributes:
        title: what it is about.
        noun: its records, in the plural.
        positives: records whose label is true, in the plural.
        history_count: (seed, live records a second, days) -> records of a history in which the
            same entities act as in live traffic, as often as in the training history.
        describe: a record in a few words that say why somebody would look at it.
    """

    title: str
    noun: str
    positives: str
    history_count: Callable[[int, float, int], int]
    describe: Callable[[Any], str]


def _fraud_history(seed: int, rate: float, days: int) -> int:
    return _PURCHASES_PER_DAY * days * World.for_rate(seed, rate).customers


def _fraud_record(record: Any) -> str:
    amount = f"{record.amount_cents / 100:,.2f}"
    return f"{amount:>9}  customer {record.customer_id:<6} terminal {record.terminal_id:<6}"


STORIES = {"fraud": Story("card fraud", "transactions", "frauds", _fraud_history, _fraud_record)}


@dataclass(frozen=True)
class Plan:
    """The options of a demo.

    Attributes:
        use_case_name: installed name or `module:attribute`.
        use_case: what it names.
        story: how it is shown.
        once: run to an end instead of until Ctrl-C.
        rate: live records a second.
        count: live records at least, when it runs to an end.
        seed: of the world, its history and its live traffic.
        history_days: days of history that are replayed through the job first.
        train_count: records of history that the model is trained on.
        retrain: train even if a fitting version is published already.
    """

    use_case_name: str
    use_case: UseCase
    story: Story
    once: bool
    rate: float
    count: int
    seed: int
    history_days: int
    train_count: int
    retrain: bool

    @property
    def history_count(self) -> int:
        """Records of the replayed history."""
        if not self.history_days:
            return 0
        return self.story.history_count(self.seed, self.rate, self.history_days)

    @property
    def history_span(self) -> timedelta:
        """How far the replayed history goes back."""
        return timedelta(days=self.history_days)

    @property
    def enough_model_answers(self) -> int:
        """Live answers of a model after which a demo that runs to an end has seen enough."""
        return max(min(self.count, int(20 * self.rate)), 1)


def story_of(name: str) -> tuple[UseCase, Story]:
    """A use case and how it is shown.

    Raises:
        UseCaseError: the use case is unknown.
        ConfigurationError: there is no demo of it.
    """
    use_case = find_use_case(name)
    story = STORIES.get(use_case.name)
    if story is None:
        raise ConfigurationError(
            f"there is no demo of {use_case.name!r}; demos are {', '.join(STORIES)}"
        )
    return use_case, story
