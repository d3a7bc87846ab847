"""Reads what the job answers, as a consumer that sees committed records only."""

from collections.abc import Callable
from threading import Event
from typing import Any

import msgspec

from millrace.demo.answers import answer_type
from millrace.demo.parts import Part
from millrace.demo.risks import Risks, Row
from millrace.demo.tally import Letter, Tally
from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import follow
from millrace.kafka.topics import DEAD_LETTERS, FEATURES, PREDICTIONS
from udfs.use_cases.contract import UseCase

_POLL_S = 0.02


class Watch(Part):
    """Follows one topic from its beginning in a thread."""

    def __init__(self, cluster: Cluster, topic: str, take: Callable[[bytes], None]) -> None:
        """Starts nothing; `take` gets each record's value."""
        super().__init__(f"reader of {topic}")
        self._cluster, self._topic, self._take = cluster, topic, take
        self._over = Event()

    def stop(self) -> None:
        """Ends it."""
        self._over.set()

    def work(self) -> None:
        """Follows the topic."""
        records = follow(
            self._cluster,
            self._topic,
            from_beginning=True,
            stopped=self._over.is_set,
            poll_s=_POLL_S,
        )
        for record in records:
            self._take(record.value or b"")


def watches(
    cluster: Cluster, use_case: UseCase, tally: Tally, risks: Risks | None
) -> tuple[Watch, ...]:
    """The readers of predictions and dead letters, and of feature rows where risks are shown."""

    def reader(stage: str, form: type[Any], take: Callable[[Any], None]) -> Watch:
        decode = msgspec.json.Decoder(form).decode
        return Watch(cluster, f"{use_case.name}.{stage}", lambda value: take(decode(value)))

    found = (
        reader(PREDICTIONS, answer_type(use_case), tally.predicted),
        reader(DEAD_LETTERS, Letter, tally.refused),
    )
    return found if risks is None else (*found, reader(FEATURES, Row, risks.take))
