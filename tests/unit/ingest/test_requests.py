"""Bodies and keys of requests to the endpoint."""

import pytest

from millrace.ingest.entries import MAX_RECORD_BYTES, JsonEntries
from millrace.ingest.requests import Refused, body_entries, request_key
from udfs.use_cases.fraud import FRAUD

TO_ENTRY = JsonEntries(FRAUD)
LINES, JSON = "application/x-ndjson", "application/json"


@pytest.mark.parametrize(
    ("content_type", "body", "values"),
    [
        (LINES, b'{"a": 1}\n\n{"a":2}\r\n', [b'{"a": 1}', b'{"a":2}\r']),
        ("text/plain", b"not json", [b"not json"]),
        (JSON, b' {"a":\n 1} \n', [b'{"a":\n 1}']),
        (JSON, b'[{"a": 1}, 2,\n{"b": [1]}]', [b'{"a": 1}', b"2", b'{"b": [1]}']),
    ],
    ids=["lines", "any line", "one document", "array"],
)
def test_records_keep_their_bytes(content_type: str, body: bytes, values: list[bytes]) -> None:
    found = body_entries(TO_ENTRY, content_type, body)
    assert [entry.value.strip(b" ") for entry in found] == values


@pytest.mark.parametrize(
    ("content_type", "body", "status", "message"),
    [
        (LINES, b" \n", 400, "the body holds no record"),
        (JSON, b"", 400, "the body holds no record"),
        (JSON, b"[]", 400, "the body holds no record"),
        (JSON, b'{"a": 1}\n{"a": 2}', 400, "the body is not one JSON document .*x-ndjson"),
        (JSON, b"[1", 400, "the body is not one JSON document"),
        (LINES, b"1\n" + b"x" * (MAX_RECORD_BYTES + 1), 413, "record 2 is larger than 1,000,000"),
    ],
    ids=["blank", "empty", "empty array", "lines as JSON", "cut", "too large"],
)
def test_a_body_without_usable_records_is_refused(
    content_type: str, body: bytes, status: int, message: str
) -> None:
    with pytest.raises(Refused, match=message) as refused:
        body_entries(TO_ENTRY, content_type, body)
    assert refused.value.status == status


@pytest.mark.parametrize("header", [None, "", "x" * 201, "\u00e4"], ids=repr)
def test_a_request_without_a_usable_key_is_refused(header: str | None) -> None:
    with pytest.raises(Refused, match="Idempotency-Key is"):
        request_key(header)
