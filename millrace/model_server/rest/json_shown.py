"""A JSON value as TensorFlow Serving shows it in a message: cut after 256 bytes."""

import json
import math
from collections.abc import Iterator
from typing import Any, Final

_LIMIT: Final = 256
_INDENT: Final = "    "
_TYPES: Final[dict[type, str]] = {
    type(None): "Null",
    dict: "Object",
    list: "Array",
    str: "String",
    int: "Number",
    float: "Number",
}


def type_name(value: object) -> str:
    """The JSON type of a value.

    >>> type_name(True), type_name([])
    ('True', 'Array')
    """
    if isinstance(value, bool):
        return str(value)
    return _TYPES[type(value)]


def shown(value: object) -> str:
    """The value's text, arrays on one line; it ends after the piece that passes the limit.

    >>> shown([1, 2.5, "a", None])
    '[1, 2.5, "a", null]'
    """
    text = ""
    for piece in _pieces(value, 0):
        if len(text.encode("utf-8", "surrogateescape")) >= _LIMIT:
            break
        text += piece
    return text


def _pieces(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, list):
        yield "["
        for place, item in enumerate(value):
            yield from _after(", " if place else "", _pieces(item, depth + 1))
        yield "]"
    elif isinstance(value, dict):
        yield from _members(value, depth)
    else:
        yield scalar(value)


def _members(value: dict[str, Any], depth: int) -> Iterator[str]:
    yield "{"
    for place, (name, item) in enumerate(value.items()):
        yield f"{',' if place else ''}\n{_INDENT * (depth + 1)}{quoted(name)}"
        yield from _after(": ", _pieces(item, depth + 1))
    yield f"\n{_INDENT * depth}}}" if value else "}"


def _after(prefix: str, pieces: Iterator[str]) -> Iterator[str]:
    # A separator belongs to the piece that follows it.
    yield prefix + next(pieces)
    yield from pieces


def scalar(value: object) -> str:
    """The text of a value that is neither a list nor an object."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    return json.dumps(value)


def quoted(text: str) -> str:
    """A JSON string; what is not ASCII stays as it is.

    >>> quoted("a")
    '"a"'
    """
    return json.dumps(text, ensure_ascii=False)
