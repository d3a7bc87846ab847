"""How `millrace tail` shows records."""

import pytest

from millrace.cli.tail import as_line, as_object
from millrace.kafka.readers import Record


def record(value: bytes | None, key: bytes | None = b"7") -> Record:
    return Record("t", 2, 31, 1_700_000_000_000, key, value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(b'{"a": "\xc3\xa9"}', '2:31       {"a": "é"}', id="JSON"),
        pytest.param(b"plain", "2:31       plain", id="text"),
        pytest.param(b"\xff\x1b[2J\n", "2:31       \\xff\\x1b[2J\\n", id="bytes"),
        pytest.param(None, "2:31       null", id="tombstone"),
    ],
)
def test_a_record_is_one_line(value: bytes | None, shown: str) -> None:
    assert as_line(record(value)) == shown


def test_a_record_for_programs_has_its_place_and_key() -> None:
    assert as_object(record(b'{"a": 1}')) == {
        "topic": "t",
        "partition": 2,
        "offset": 31,
        "timestamp_ms": 1_700_000_000_000,
        "key": "7",
        "value": {"a": 1},
    }
