"""The clean stage: which record is used, which is refused, and why."""

import msgspec
import pytest

from tests.unit.functions.building import Record, raw, record
from udfs.functions.clean import Clean, CleanBlock
from udfs.records import Reason
from udfs.use_cases.fraud import FRAUD, Transaction

SKEW_MS = 1000
GOOD = record()
NESTED = b"[" * 5000 + b"]" * 5000


def clean(*records: Record) -> CleanBlock:
    return Clean(FRAUD, "fraud.raw", SKEW_MS)(raw(records))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ((b"5", None, 0), Reason.EMPTY),
        ((b"5", b"", 0), Reason.EMPTY),
        ((b"5", b"{", 0), Reason.NOT_JSON),
        ((b"5", b"\xff\xfe", 0), Reason.NOT_JSON),
        ((b"5", (GOOD[1] or b"") * 2, 0), Reason.NOT_JSON),
        ((b"5", b"[1, 2]", 0), Reason.SCHEMA),
        ((b"5", b'{"transaction_id": 1}', 0), Reason.SCHEMA),
        ((b"5", NESTED, 0), Reason.SCHEMA),
        ((b"5", GOOD[1], GOOD[2] - SKEW_MS - 1), Reason.EVENT_TIME_AHEAD),
        ((b"6", GOOD[1], GOOD[2]), Reason.KEY_MISMATCH),
        ((None, GOOD[1], GOOD[2]), Reason.KEY_MISMATCH),
    ],
    ids=str,
)
def test_a_bad_record_between_good_ones_is_refused_alone(bad: Record, reason: Reason) -> None:
    block = clean(GOOD, bad, GOOD)
    (letter,) = block.dead_letters
    assert block.places.tolist() == [0, 2]
    assert (letter.reason, letter.source_offset, letter.value) == (reason, 101, bad[1])


def test_a_dead_letter_says_where_the_record_came_from_and_holds_its_bytes() -> None:
    letter = clean((b"key", b"value", 17)).dead_letters[0]
    assert msgspec.structs.asdict(letter) == {
        "reason": Reason.NOT_JSON,
        "stage": "clean",
        "detail": letter.detail,
        "source_topic": "fraud.raw",
        "source_partition": 3,
        "source_offset": 100,
        "kafka_timestamp_ms": 17,
        "key": b"key",
        "value": b"value",
    }


def test_event_time_at_the_edge_of_the_skew_is_used() -> None:
    assert len(clean((GOOD[0], GOOD[1], GOOD[2] - SKEW_MS)).places) == 1


def test_a_record_without_a_kafka_timestamp_is_used() -> None:
    assert len(clean((GOOD[0], GOOD[1], -1)).places) == 1


def test_a_record_with_two_faults_is_one_dead_letter() -> None:
    letters = clean((b"6", GOOD[1], GOOD[2] - SKEW_MS - 1)).dead_letters
    assert [letter.reason for letter in letters] == [Reason.EVENT_TIME_AHEAD]


def test_columns_hold_the_fields_of_the_usable_records_in_order() -> None:
    block = clean(record(1), (b"5", b"{", 0), record(2), record(3))
    assert block.columns["transaction_id"].tolist() == [1, 2, 3]


def test_an_empty_block_is_clean() -> None:
    block = clean()
    assert (len(block.places), block.dead_letters) == (0, [])


def test_unknown_fields_are_let_through() -> None:
    value = {**msgspec.structs.asdict(Transaction(1, 5, 7, 1234, 10)), "channel": "web"}
    assert len(clean((b"5", msgspec.json.encode(value), 10)).places) == 1
