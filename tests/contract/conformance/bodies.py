"""Bodies of REST requests."""

import json


def body(signature: str = "", **members: object) -> bytes:
    """A body of these members."""
    named = {"signature_name": signature} if signature else {}
    return json.dumps({**named, **members}).encode()


def rows(signature: str, *instances: object) -> bytes:
    """A `:predict` body of rows."""
    return body(signature, instances=instances)


def columns(signature: str, inputs: object) -> bytes:
    """A `:predict` body of columns."""
    return body(signature, inputs=inputs)
