"""What a demo does: the options of its command, and how a use case is shown."""

from dataclasses import dataclass
from datetime import timedelta

from millrace.demo.stories import Story
from udfs.errors import MillraceError
from udfs.use_cases.contract import UseCase

MALFORMED_SHARE = 0.005
LIVE_DAYS = 1_000
"""Days of live traffic where they pass faster than the clock's; nobody looks on for so long."""

_LEAST_CHALLENGE_DAYS = 14


class DemoFailed(MillraceError):
    """A part of the demo ended by itself, or its counts do not close; the message names the log."""


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
        return self.story.history_count(self.rate, self.history_days)

    @property
    def history_words(self) -> str:
        """What is replayed."""
        if self.use_case.before is not None and self.history_days:
            return "the time before now"
        return f"{self.history_days} days"

    @property
    def history_span(self) -> timedelta:
        """How far the replayed history goes back."""
        return timedelta(days=self.history_days)

    @property
    def in_demo_time(self) -> bool:
        """Whether days of live traffic pass faster than the clock's."""
        return self.story.day_s is not None

    @property
    def challenge_days(self) -> int:
        """Days that a model is trained on from the archive of the history; 0: none is trained."""
        beyond = self.story.days_beyond
        days = 0 if beyond is None else self.history_days - beyond
        return days if days >= _LEAST_CHALLENGE_DAYS else 0

    @property
    def enough_model_answers(self) -> int:
        """Live answers of a model after which a demo that runs to an end has seen enough."""
        return max(min(self.count, int(20 * self.rate)), 1)
