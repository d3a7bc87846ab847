"""What went into the job and what has come out of it so far."""

import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, NamedTuple

import msgspec

from millrace.demo.answers import Answer, Answers, Judge, Judged
from millrace.demo.offsets import Answered
from millrace.demo.rates import Latencies, Rate, quantile
from millrace.kafka.topics import LABELS
from udfs.records import Reason
from udfs.use_cases.contract import Label

_ALERTS = 8
_REMEMBERED = 50_000


class Letter(msgspec.Struct, frozen=True):
    """The parts of a dead letter that the demo looks at; see `udfs.records.DeadLetter`."""

    reason: Reason
    detail: str
    source_topic: str
    source_partition: int
    source_offset: int


@dataclass(frozen=True)
class Alert:
    """A live record with a notable answer; `record` and `positive`, the truth, the generator's.

    `answer` has the outputs' fields too.
    """

    seen_s: float
    record: Any
    answer: Any
    positive: bool


class _Sent(NamedTuple):
    """A live record, what the generator knows of it, and when it was sent, monotonic."""

    record: Any
    truth: Label
    at: float


Source = tuple[str, int | None]
"""Route and model version."""


@dataclass(frozen=True)
class Snapshot:
    """The tally at one moment; times are seconds since the command.

    `steady_model_answers` are live records that a model answered, of those that were sent once
    the history was through. `dead_letters` are those of raw records; `refused_labels` are labels.
    `event_time_ms` is that of the newest live record, None before the first.
    """

    seconds: float
    history: int
    live: int
    malformed: int
    predictions: int
    dead_letters: int
    refused_labels: int
    event_time_ms: int | None
    rate_in: float
    rate_out: float
    p50_ms: int | None
    p99_ms: int | None
    steady_model_answers: int
    answers: Mapping[Source, Answers]
    alerts: tuple[Alert, ...]
    reasons: Mapping[str, int]
    last_letter: Letter | None
    last_source: Source | None
    fallback_reason: str | None
    first_prediction_s: float | None
    first_model_s: float | None

    @property
    def waiting(self) -> int:
        """Records that went in and have not come out yet."""
        return max(self.history + self.live - self.predictions - self.dead_letters, 0)

    def answers_of(self, version: int) -> int:
        """Live records that a version answered."""
        return sum(a.live for (_, answered), a in self.answers.items() if answered == version)

    @property
    def all_alerts(self) -> int:
        """Records with a notable answer, history included."""
        return sum(answers.alerts for answers in self.answers.values())


@dataclass
class Tally:
    """Counts, filled by the threads that produce and read; safe to share between them.

    Attributes:
        started: monotonic time of the command.
        judge: says what an answer is worth.
        event_time: the field of a record's event time.
        answered: source offsets that have come out.
    """

    started: float
    judge: Judge
    event_time: str
    answered: Answered = field(default_factory=Answered)

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._history = self._live = self._malformed = 0
        self._refused_labels = 0
        self._event_time_ms: int | None = None
        self._remembered: dict[Any, _Sent] = {}
        self._in, self._out, self._latencies = Rate(), Rate(), Latencies()
        self._answers: dict[Source, Answers] = {}
        self._alerts: deque[Alert] = deque(maxlen=_ALERTS)
        self._reasons: Counter[str] = Counter()
        self._last_letter: Letter | None = None
        self._last_source: Source | None = None
        self._fallback_reason: str | None = None
        self._first_prediction: float | None = None
        self._first_model: float | None = None
        self._steady_since: float | None = None

    def produced_history(self, total: int) -> None:
        """Takes how many records of the history have been sent."""
        with self._lock:
            self._in.add(total - self._history, time.monotonic())
            self._history = total

    def produces_live(self, business_id: Any, record: Any, truth: Label) -> None:
        """Takes a live record that is sent now."""
        with self._lock:
            self._live += 1
            self._in.add(1, time.monotonic())
            self._event_time_ms = getattr(record, self.event_time)
            self._remembered[business_id] = _Sent(record, truth, time.monotonic())
            if len(self._remembered) > _REMEMBERED:  # malformed ones are never asked for again
                del self._remembered[next(iter(self._remembered))]

    def correct_live(self, sent: int, malformed: int) -> None:
        """Takes how many live records were really sent, and how many of them malformed."""
        with self._lock:
            self._live, self._malformed = sent, malformed

    def predicted(self, answer: Answer) -> None:
        """Takes a prediction that a reader of committed records has just seen."""
        now = time.monotonic()
        with self._lock:
            sent = self._remembered.pop(answer.business_id, None)
            judged = self.judge(answer, None if sent is None else sent.truth)
            self.answered.add(answer.source_partition, answer.source_offset)
            self._out.add(1, now)
            self._first_prediction = self._first_prediction or now
            self._fallback_reason = answer.fallback_reason
            self._last_source = source = (answer.route, answer.model_version)
            self._answers.setdefault(source, Answers()).add(judged, live=sent is not None)
            if sent is not None:
                self._live_one(answer, sent, judged, now)

    def _live_one(self, answer: Answer, sent: "_Sent", judged: Judged, now: float) -> None:
        by_model = answer.model_version is not None
        # What was sent before the first live answer had waited for the history.
        self._steady_since = self._steady_since or now
        steady = sent.at > self._steady_since
        self._latencies.add(int(1_000 * (now - sent.at)), now, keep=by_model and steady)
        if by_model:
            self._first_model = self._first_model or now
        if judged.notable:
            self._alerts.append(Alert(now - self.started, sent.record, answer, judged.positive))

    def refused(self, letter: Letter) -> None:
        """Takes a dead letter that a reader of committed records has just seen."""
        with self._lock:
            if letter.source_topic.endswith(f".{LABELS}"):
                self._refused_labels += 1
                return
            self.answered.add(letter.source_partition, letter.source_offset)
            self._out.add(1, time.monotonic())
            self._reasons[letter.reason.value] += 1
            self._last_letter = letter

    def model_latencies_ms(self) -> list[int]:
        """Sent to readable, of the steady answers of a model."""
        with self._lock:
            return self._latencies.kept()

    def snapshot(self) -> Snapshot:
        """The tally as it is now."""
        now = time.monotonic()
        with self._lock:
            recent = self._latencies.recent(now)
            return Snapshot(
                seconds=now - self.started,
                history=self._history,
                live=self._live,
                malformed=self._malformed,
                predictions=sum(a.predictions for a in self._answers.values()),
                dead_letters=self._reasons.total(),
                refused_labels=self._refused_labels,
                event_time_ms=self._event_time_ms,
                rate_in=self._in.per_second(now),
                rate_out=self._out.per_second(now),
                p50_ms=quantile(recent, 0.5),
                p99_ms=quantile(recent, 0.99),
                steady_model_answers=self._latencies.count_kept,
                answers={source: Answers(**vars(a)) for source, a in self._answers.items()},
                alerts=tuple(self._alerts),
                reasons=dict(self._reasons.most_common()),
                last_letter=self._last_letter,
                last_source=self._last_source,
                fallback_reason=self._fallback_reason,
                first_prediction_s=self._since_start(self._first_prediction),
                first_model_s=self._since_start(self._first_model),
            )

    def _since_start(self, moment: float | None) -> float | None:
        return None if moment is None else moment - self.started
