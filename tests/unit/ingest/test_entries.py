"""What is read of JSON before it goes to the raw topic, byte for byte."""

import pytest

from millrace.ingest.entries import JsonEntries
from udfs.use_cases.fraud import FRAUD

GOOD = (
    b' {"transaction_id":1, "customer_id":22,"terminal_id":3,'
    b'"amount_cents":4,"event_time_ms":5,"more":[]}\r'
)


@pytest.mark.parametrize(
    ("value", "key", "time"),
    [
        (GOOD, b"22", 5),
        (b'{"customer_id": 22, "event_time_ms": 5}', b"22", 5),
        (b'{"customer_id": "22", "event_time_ms": 5.5}', b"22", None),
        (b'{"customer_id": null, "event_time_ms": -1}', None, None),
        (b'{"customer_id": true}', None, None),
        (b"[1]", None, None),
        (b"\xff", None, None),
        (b"[" * 100_000, None, None),
    ],
    ids=["good", "lacks fields", "other types", "null", "flag", "list", "no text", "deep"],
)
def test_key_and_time_are_taken_where_they_can_be_read(
    value: bytes, key: bytes | None, time: int | None
) -> None:
    entry = JsonEntries(FRAUD)(value)
    assert entry[:3] == (key, value, time)
    assert (entry.problem is None) == (value is GOOD)
