"""Labels of records as records of their own, which become known a while later."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

import msgspec

from millrace.kafka.topics import LABELS
from millrace.sources.records import RawRecord
from udfs.errors import ConfigurationError
from udfs.use_cases.contract import Label, UseCase
from udfs.use_cases.label_records import LABEL_FIELD, LABEL_TIME
from udfs.use_cases.milliseconds import milliseconds


def label_record(
    use_case: UseCase, record: Any, label: Label, delay: timedelta | None = None
) -> RawRecord:
    """The label of a record as it goes into `<use case>.labels`.

    Args:
        use_case: with a feed of labels.
        record: the record.
        label: what became known of it.
        delay: how long after the record; the use case's label delay when None.

    Raises:
        ConfigurationError: the use case has no feed of labels.
    """
    if use_case.labels is None:
        raise ConfigurationError(f"use case {use_case.name!r} has no feed of labels")
    business_id = getattr(record, use_case.business_id)
    delay_ms = milliseconds(use_case.label_delay if delay is None else delay)
    known_ms = getattr(record, use_case.event_time) + delay_ms
    told = use_case.labels.record_type(
        **{use_case.business_id: business_id, LABEL_FIELD: label, LABEL_TIME: known_ms}
    )
    topic = f"{use_case.name}.{LABELS}"
    return RawRecord(b"%d" % business_id, msgspec.json.encode(told), known_ms, topic)


class WithLabels:
    """Records with the labels of earlier ones among them, each when it becomes known.

    Where silence means negative, only other labels are told. Labels that become known after the
    last record are left out: nobody knows them yet.

    Attributes:
        told: labels given out so far.

    Args:
        use_case: with a feed of labels.
        delay: how long after its record a label is known; the use case's when None.
    """

    def __init__(self, use_case: UseCase, delay: timedelta | None = None) -> None:
        self.told = 0
        self._use_case = use_case
        self._delay = delay
        self._all = use_case.labels is not None and use_case.labels.silence != "negative"
        self._waiting: deque[RawRecord] = deque()
        self._now_ms = 0

    def among(
        self,
        labelled: Iterable[tuple[Any, Label]],
        raw: Callable[[Iterable[Any]], Iterator[RawRecord]],
    ) -> Iterator[RawRecord]:
        """What is sent, in the order of event time.

        Args:
            labelled: records with their labels, in the order of event time.
            raw: makes raw records of records, one of each.
        """
        for record in raw(self._records(labelled)):
            while self._waiting and self._waiting[0].timestamp_ms <= self._now_ms:
                self.told += 1
                yield self._waiting.popleft()
            yield record

    def _records(self, labelled: Iterable[tuple[Any, Label]]) -> Iterator[Any]:
        for record, label in labelled:
            self._now_ms = getattr(record, self._use_case.event_time)
            if self._use_case.labels is not None and (label or self._all):
                self._waiting.append(label_record(self._use_case, record, label, self._delay))
            yield record
