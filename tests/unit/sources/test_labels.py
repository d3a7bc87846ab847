"""Labels among the records: each when it becomes known, not before."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from millrace.sources.labels import WithLabels, label_record
from millrace.sources.records import RawRecord, encoded
from udfs.errors import ConfigurationError
from udfs.use_cases.contract import UseCase
from udfs.use_cases.fraud import FRAUD, FRAUD_BY_CUSTOMER, FraudLabel, Transaction

DELAY = timedelta(milliseconds=10)
ALWAYS_TOLD = replace(
    FRAUD,
    labels=replace(FRAUD.labels, silence="unknown"),  # type: ignore[type-var]
)


def sent(use_case: UseCase, *fraud_at: tuple[int, bool]) -> list[tuple[str, int]]:
    """Topic and time of what is sent for transactions at these times."""
    pairs = [(Transaction(i, 1, 2, 3, time), fraud) for i, (time, fraud) in enumerate(fraud_at)]

    def raw(records: Iterable[Any]) -> Iterator[RawRecord]:
        return encoded(use_case, records)

    among = WithLabels(use_case, DELAY).among(pairs, raw)
    return [(r.topic or "raw", r.timestamp_ms) for r in among]


def test_a_label_comes_before_records_of_the_time_at_which_it_is_known() -> None:
    found = sent(FRAUD, (100, True), (105, False), (110, False))
    assert found == [("raw", 100), ("raw", 105), ("fraud.labels", 110), ("raw", 110)]


def test_silence_that_means_negative_tells_no_negative_label() -> None:
    assert sent(FRAUD, (100, False), (200, False)) == [("raw", 100), ("raw", 200)]


def test_where_silence_means_nothing_every_label_is_told() -> None:
    found = sent(ALWAYS_TOLD, (100, False), (200, False))
    assert found == [("raw", 100), ("fraud.labels", 110), ("raw", 200)]


def test_a_use_case_without_a_feed_has_records_only() -> None:
    assert sent(FRAUD_BY_CUSTOMER, (100, True), (200, True)) == [("raw", 100), ("raw", 200)]


def test_a_label_is_keyed_by_its_record_and_stamped_with_the_time_it_is_known() -> None:
    made = label_record(FRAUD, Transaction(7, 1, 2, 3, 1_000), True, DELAY)
    assert (made.key, made.timestamp_ms) == (b"7", 1_010)
    assert msgspec.json.decode(made.value or b"", type=FraudLabel) == FraudLabel(7, True, 1_010)


def test_labels_of_a_use_case_without_a_feed_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="has no feed of labels"):
        label_record(FRAUD_BY_CUSTOMER, Transaction(7, 1, 2, 3, 1_000), True)
