"""The demo's producer: replayed history first, then live traffic with some malformed records."""

from collections.abc import Iterable, Iterator
from operator import attrgetter
from threading import Event
from typing import Any

from millrace.demo.parts import Part
from millrace.demo.plan import MALFORMED_SHARE, Plan
from millrace.demo.tally import Tally
from millrace.kafka.cluster import Cluster
from millrace.sources import generator
from millrace.sources.labels import WithLabels
from millrace.sources.malformed import Malformed
from millrace.sources.produce import at_event_time, produce
from millrace.sources.records import encoded
from udfs.use_cases.contract import Label


class Traffic(Part):
    """Produces in a thread until it is stopped.

    History and live traffic are of one world: the same people, who did as much as those of the
    training history. Event times go on from the past to now, so no record is late.
    """

    def __init__(self, plan: Plan, cluster: Cluster, tally: Tally) -> None:
        """Starts nothing."""
        super().__init__("producer")
        self._plan, self._cluster, self._tally = plan, cluster, tally
        self._topic = f"{plan.use_case.name}.raw"
        self._over = Event()
        self._labels = WithLabels(plan.use_case)

    def stop(self) -> None:
        """Ends it; what was sent by then is flushed."""
        self._over.set()

    def work(self) -> None:
        """Produces the history, then live traffic."""
        start_ms = generator.now_ms()
        self._produce_history(start_ms)
        if not self._over.is_set():
            # Machines that have a past of their own go on where it ends.
            goes_on = self._plan.use_case.before is not None
            self._produce_live(start_ms if goes_on else generator.now_ms())

    def _history(self, end_ms: int) -> Iterator[tuple[Any, Label]]:
        """What the entities of live traffic did before it."""
        plan = self._plan
        if plan.use_case.before is not None:
            return generator.before(plan.use_case, seed=plan.seed, rate=plan.rate, start_ms=end_ms)
        return generator.past(
            plan.use_case,
            seed=plan.seed,
            count=plan.history_count,
            span=plan.history_span,
            end_ms=end_ms,
        )

    def _produce_history(self, end_ms: int) -> None:
        plan = self._plan
        if not plan.history_count:
            return
        produce(
            self._labels.among(
                self._history(end_ms), lambda records: encoded(plan.use_case, records)
            ),
            topic=self._topic,
            cluster=self._cluster,
            stopped=self._over.is_set,
            on_progress=lambda produced: self._tally.produced_history(
                produced.sent - self._labels.told
            ),
        )

    def _produce_live(self, start_ms: int) -> None:
        plan = self._plan
        live = generator.live(plan.use_case, seed=plan.seed, rate=plan.rate, start_ms=start_ms)
        faults = Malformed(plan.use_case, MALFORMED_SHARE, plan.seed)
        before = self._labels.told
        produced = produce(
            # Labels of the history go on becoming known while traffic is live.
            self._labels.among(
                self._told(live),
                lambda records: faults.among(encoded(plan.use_case, records)),
            ),
            topic=self._topic,
            cluster=self._cluster,
            pace=at_event_time(),
            stopped=self._over.is_set,
        )
        # The last record was made but held back; it may have been a malformed one.
        records = produced.sent - (self._labels.told - before)
        self._tally.correct_live(records, faults.counts.total())

    def _told(self, live: Iterable[tuple[Any, Label]]) -> Iterator[tuple[Any, Label]]:
        business_id = attrgetter(self._plan.use_case.business_id)
        for record, truth in live:
            self._tally.produces_live(business_id(record), record, truth)
            yield record, truth
