"""JSON as TensorFlow Serving reads it: RapidJSON's rules and words.

Beyond the standard, NaN and infinities are numbers, what follows the first value is ignored, and
strings may hold any bytes.
"""

import json
import math
import re
from typing import Any, Final

import msgspec

from millrace.model_server.errors import invalid
from millrace.model_server.rest.json_shown import shown

_ERROR: Final = "JSON Parse error: "
TOO_BIG: Final = "Number too big to be stored in double."
_DECODER: Final = json.JSONDecoder(parse_float=float)
_BLANKS: Final = re.compile(r"[ \t\n\r]*")
# `Inf` is RapidJSON's short form of a number; inside strings it stays.
_INF: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\bInf\b', re.DOTALL)
_MESSAGES: Final = {
    "Expecting value": "Invalid value.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
    "Invalid control character at": "Invalid encoding in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX escape": "Incorrect hex digit after \\u escape in string.",
}


def decode(body: bytes) -> dict[str, Any]:
    """The object that a request's body holds.

    >>> decode(b'{"instances": [1.5, NaN]}')
    {'instances': [1.5, nan]}

    Raises:
        RequestError: the body is no JSON object, in RapidJSON's words.
    """
    if not body:
        raise invalid(f"{_ERROR}The document is empty")
    try:
        found = msgspec.json.decode(body)
    except RecursionError as error:
        raise _too_deep() from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Whatever the strict and fast reader refuses is read again by the wider rules.
        found = _decode_widely(body)
    if not isinstance(found, dict):
        raise invalid(f"JSON Value: {shown(found)} Is not object")
    return found


def _decode_widely(body: bytes) -> Any:
    text = body.decode("utf-8-sig", "surrogateescape")
    if "Inf" in text:
        text = _INF.sub(lambda match: "Infinity" if match[0] == "Inf" else match[0], text)
    start = _end(_BLANKS, text)
    if start == len(text):
        raise invalid(f"{_ERROR}The document is empty. at offset: {_bytes(text)}")
    try:
        found, _ = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise invalid(_described(text, error)) from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        # Python reads no integer of more than 4,300 digits.
        raise invalid(_ERROR + TOO_BIG) from error
    _check_range(text)
    _check_surrogates(text, found)
    return found


def _described(text: str, error: json.JSONDecodeError) -> str:
    at = error.pos
    message = _MESSAGES.get(error.msg.removesuffix(": "))
    if message is None:
        message = _missing_comma(text, at)
    elif message == "Invalid value.":
        at += _matched(text[at : at + 5])
    elif message.startswith("Missing a closing"):
        at = len(text)
    return f"{_ERROR}{message} at offset: {_bytes(text[:at])}"


def _missing_comma(text: str, at: int) -> str:
    # What is open at that place decides: strings may hold brackets, so they go first.
    before = re.sub(r'"(?:[^"\\]|\\.)*"', "", text[:at], flags=re.DOTALL)
    opened: list[str] = []
    for character in before:
        if character in "[{":
            opened.append(character)
        elif character in "]}":
            opened.pop()
    if opened and opened[-1] == "{":
        return "Missing a comma or } after an object member."
    return "Missing a comma or ] after an array element."


def _matched(text: str) -> int:
    # RapidJSON stops inside a word that begins like null, true or false.
    for word in ("null", "true", "false"):
        if text[:1] == word[0]:
            pairs = zip(text, word, strict=False)
            return next((i for i, (one, other) in enumerate(pairs) if one != other), len(text))
    return 0


def _check_range(text: str) -> None:
    # The wider reader makes infinity of 1e400, where RapidJSON refuses it.
    if re.search(r"\d[eE]\+?\d|\d{300}", text) is None:
        return
    for match in re.finditer(
        r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?', text, re.DOTALL
    ):
        if match[0][0] != '"' and math.isinf(float(match[0])):
            at = _bytes(text[: match.start()])
            raise invalid(f"{_ERROR}{TOO_BIG} at offset: {at}")


def _check_surrogates(text: str, found: object) -> None:
    if "\\u" not in text:
        return
    try:
        json.dumps(found, ensure_ascii=False).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise invalid(f"{_ERROR}The surrogate pair in string is invalid.") from error


def _too_deep() -> Exception:
    # TensorFlow Serving reads any depth; no tensor has one that Python cannot.
    return invalid(f"{_ERROR}values are nested too deeply")


def _end(pattern: re.Pattern[str], text: str) -> int:
    match = pattern.match(text)
    return match.end() if match else 0


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))
