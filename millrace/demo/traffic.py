"""The demo's producer: replayed history first, then live traffic with some malformed records."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain
from operator import attrgetter
from threading import Event
from typing import Any

from millrace.demo.parts import Part
from millrace.demo.plan import LIVE_DAYS, MALFORMED_SHARE, Plan
from millrace.demo.tally import Tally
from millrace.kafka.cluster import Cluster
from millrace.sources import generator
from millrace.sources.labels import WithLabels
from millrace.sources.malformed import Malformed
from millrace.sources.produce import produce
from millrace.sources.records import encoded
from udfs.use_cases.contract import Label

_DAY = timedelta(days=1)
_MILLISECOND = timedelta(milliseconds=1)
_SHORTEST_WAIT_S, _STEP_S = 0.004, 0.02
_DAYS_AHEAD = 12

Labelled = Iterator[tuple[Any, Label]]
Due = Callable[[int, Any], float]
"""(number of live records before, next one) -> seconds until it is due."""


class Traffic(Part):
    """Produces in a thread until it is stopped.

    History and live traffic are of one world: the same people, who did as much as those of the
    training history. Event times go on from the past, so no record is late. In demo time they do
    not reach now: a day passes in the seconds that the story says, at the rate of the plan, and
    everybody buys as often as in the history.

    Attributes:
        live_from_ms: event time at which live traffic begins, in whole seconds.
    """

    def __init__(self, plan: Plan, cluster: Cluster, tally: Tally) -> None:
        """Starts nothing."""
        super().__init__("producer")
        self._plan, self._cluster, self._tally = plan, cluster, tally
        self._topic = f"{plan.use_case.name}.raw"
        self._over = Event()
        self._labels = WithLabels(plan.use_case)
        self._started_ms = generator.now_ms() // 1_000 * 1_000
        self.live_from_ms = self._started_ms - plan.in_demo_time * LIVE_DAYS * _DAY // _MILLISECOND

    @property
    def labels_told(self) -> int:
        """Labels that were sent so far."""
        return self._labels.told

    def stop(self) -> None:
        """Ends it; what was sent by then is flushed."""
        self._over.set()

    def work(self) -> None:
        """Produces the history, then live traffic."""
        in_demo_time = self._plan.in_demo_time
        history, live, due = self._in_demo_time() if in_demo_time else self._of_now()
        if self._plan.history_count:
            self._produce_history(self._in_step(history) if in_demo_time else history)
        if not self._over.is_set():
            self._produce_live(live, due)

    def _in_demo_time(self) -> tuple[Labelled, Labelled, Due]:
        """One long history, of which the part after some days is sent at a rate."""
        plan, days = self._plan, self._plan.history_days + LIVE_DAYS
        made = generator.past(
            plan.use_case,
            seed=plan.seed,
            count=plan.story.history_count(plan.rate, days),
            span=plan.history_span + LIVE_DAYS * _DAY,
            end_ms=self._started_ms,
        )
        history, live = _parted(made, plan.use_case.event_time, self.live_from_ms)
        return history, live, _at_rate(plan.rate)

    def _of_now(self) -> tuple[Labelled, Labelled, Due]:
        """A history up to now, and live traffic whose event times are now."""
        plan, case = self._plan, self._plan.use_case
        if case.before is not None:
            # What its entities did goes on where it ends.
            begins_ms: int | None = self._started_ms
            history = generator.before(
                case, seed=plan.seed, rate=plan.rate, start_ms=self._started_ms
            )
        else:
            begins_ms = None
            history = generator.past(
                case,
                seed=plan.seed,
                count=plan.history_count,
                span=plan.history_span or _DAY,
                end_ms=self._started_ms,
            )
        return history, self._live(begins_ms), _at_event_time(case.event_time)

    def _live(self, begins_ms: int | None) -> Labelled:
        """Live traffic from a time on, or from when it is first asked for."""
        plan, start_ms = self._plan, begins_ms or generator.now_ms()
        yield from generator.live(plan.use_case, seed=plan.seed, rate=plan.rate, start_ms=start_ms)

    def _in_step(self, history: Labelled) -> Labelled:
        """The history, not more than some days ahead of what the job has answered.

        The job reads partitions and labels each at its own pace. Were they further apart than
        labels wait, some would be dead letters, as in a backfill in order of arrival.
        """
        ahead = self._plan.story.history_count(self._plan.rate, _DAYS_AHEAD)
        for number, one in enumerate(history):
            while number - self._tally.answered.total > ahead:
                if self._over.wait(_STEP_S):
                    return
            yield one

    def _produce_history(self, history: Labelled) -> None:
        case = self._plan.use_case
        produce(
            self._labels.among(history, lambda records: encoded(case, records)),
            topic=self._topic,
            cluster=self._cluster,
            stopped=self._over.is_set,
            on_progress=lambda produced: self._tally.produced_history(
                produced.sent - self._labels.told
            ),
        )

    def _produce_live(self, live: Labelled, due: Due) -> None:
        plan = self._plan
        faults = Malformed(plan.use_case, MALFORMED_SHARE, plan.seed)
        before = self._labels.told
        produced = produce(
            # Labels of the history go on becoming known while traffic is live.
            self._labels.among(
                self._told(live, due),
                lambda records: faults.among(encoded(plan.use_case, records)),
            ),
            topic=self._topic,
            cluster=self._cluster,
            pace=_now,
            stopped=self._over.is_set,
        )
        records = produced.sent - (self._labels.told - before)
        self._tally.correct_live(records, faults.counts.total())

    def _told(self, live: Labelled, due: Due) -> Labelled:
        """Live records, each when it is due, until the end."""
        business_id = attrgetter(self._plan.use_case.business_id)
        for number, (record, truth) in enumerate(live):
            wait_s = due(number, record)
            if self._over.wait(wait_s) if wait_s > _SHORTEST_WAIT_S else self._over.is_set():
                return
            self._tally.produces_live(business_id(record), record, truth)
            yield record, truth


def _parted(made: Labelled, event_time: str, at_ms: int) -> tuple[Labelled, Labelled]:
    """Records before a time and those from it on; the second part is taken after the first."""
    later: list[tuple[Any, Label]] = []

    def earlier() -> Labelled:
        for record, truth in made:
            if getattr(record, event_time) >= at_ms:
                later.append((record, truth))
                return
            yield record, truth

    return earlier(), chain(later, made)


def _at_rate(rate: float) -> Due:
    """Records at a rate from the first one on, whatever their event times."""
    started: list[float] = []

    def due(number: int, _: Any) -> float:
        started[:] = started or [time.monotonic()]
        return started[0] + number / rate - time.monotonic()

    return due


def _at_event_time(event_time: str) -> Due:
    """Each record when the clock shows its event time."""
    return lambda _, record: getattr(record, event_time) / 1_000 - time.time()


def _now(sent: int, record: Any) -> float:
    """A pace that does not hold back: what comes was held back before."""
    return 0.0
