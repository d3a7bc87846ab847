"""Requests to the endpoint: the records of a body, or why it is refused."""

import msgspec

from millrace.ingest.entries import MAX_RECORD_BYTES, Entry, JsonEntries
from udfs.errors import DataError

MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_KEY_CHARACTERS = 200
_BAD_REQUEST, _TOO_LARGE = 400, 413


class Refused(DataError):
    """A request that is not taken; nothing of it is written.

    Args:
        status: of HTTP.
        message: for the client.
        retry_after_s: when it may try again; None when that cannot help.
    """

    def __init__(self, status: int, message: str, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.status, self.retry_after_s = status, retry_after_s


def request_key(header: str | None) -> str:
    """The key under which a request is remembered.

    Raises:
        Refused: there is none, or it is too long.
    """
    if not header:
        raise Refused(
            _BAD_REQUEST,
            "the header Idempotency-Key is missing: a text of your own for each request, the same "
            "when it is sent again, so that its records are written once",
        )
    if len(header) > MAX_KEY_CHARACTERS or not (header.isascii() and header.isprintable()):
        raise Refused(
            _BAD_REQUEST,
            f"Idempotency-Key is not 1 to {MAX_KEY_CHARACTERS} printable ASCII characters",
        )
    return header


def body_entries(to_entry: JsonEntries, content_type: str, body: bytes) -> list[Entry]:
    r"""The records of a body: one JSON, an array of them, or JSON lines.

    Args:
        to_entry: makes entries.
        content_type: `application/json` for one JSON document; all others hold lines.
        body: of the request.

    Raises:
        Refused: it holds no record, is not one JSON document though it says so, or a record is
            too large.
    """
    values = _documents(body) if content_type == "application/json" else _lines(body)
    if not values:
        raise Refused(_BAD_REQUEST, "the body holds no record; send JSON lines or one JSON object")
    for number, value in enumerate(values, 1):
        if len(value) > MAX_RECORD_BYTES:
            raise Refused(_TOO_LARGE, f"record {number} is larger than {MAX_RECORD_BYTES:,} bytes")
    return [to_entry(value) for value in values]


def _lines(body: bytes) -> list[bytes]:
    return [line for line in body.split(b"\n") if line.strip()]


def _documents(body: bytes) -> list[bytes]:
    text = body.strip()
    try:
        if text.startswith(b"["):
            return [bytes(one) for one in msgspec.json.decode(text, type=list[msgspec.Raw])]
        if text:
            msgspec.json.decode(text)
        return [text] if text else []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(
            _BAD_REQUEST,
            f"the body is not one JSON document ({error}); send JSON lines as application/x-ndjson",
        ) from error
