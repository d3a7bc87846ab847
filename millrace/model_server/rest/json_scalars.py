"""Single JSON values: their types, and strings as the bytes that they mean."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

import grpc

from millrace.model_server.errors import RequestError, invalid
from millrace.model_server.rest.json_shown import shown, type_name
from udfs.client.tensors import STRING

FLOATS: Final = frozenset({1, 2})
"""DataType numbers that a JSON number of any kind can become."""

RANGES: Final[Mapping[int, tuple[int, int]]] = {
    **dict.fromkeys((3, 4, 5, 6), (-(2**31), 2**31)),
    9: (-(2**63), 2**63),
    22: (0, 2**32),
    23: (0, 2**64),
}
"""Integers that TensorFlow Serving accepts by DataType number, the upper end excluded."""

_BOOL: Final = 10
TYPE_NAMES: Final = {
    1: "float",
    2: "double",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    7: "string",
    8: "complex64",
    9: "int64",
    10: "bool",
    14: "bfloat16",
    17: "uint16",
    18: "complex128",
    19: "half",
    22: "uint32",
    23: "uint64",
}
"""TensorFlow's short names of its DataType numbers."""


def element(value: object, dtype: int) -> Any:
    """One element of a tensor of a DataType number.

    Raises:
        RequestError: the value is of another type, in TensorFlow Serving's words.
    """
    if isinstance(value, dict):
        if dtype != STRING:
            raise _type_error(value, dtype)
        return from_base64(value)
    if dtype == STRING and isinstance(value, str):
        return raw_bytes(value)
    if dtype not in {STRING, _BOOL, *FLOATS, *RANGES}:
        message = f"Conversion of JSON Value: {shown(value)} to type: {TYPE_NAMES.get(dtype)}"
        raise RequestError(grpc.StatusCode.UNIMPLEMENTED, message)
    if not _fits(value, dtype):
        raise _type_error(value, dtype)
    return double(value) if dtype in FLOATS else value


def _fits(value: object, dtype: int) -> bool:
    # A JSON true is Python's bool, which is an int as well: so types are compared, not asked.
    if dtype == _BOOL:
        return isinstance(value, bool)
    if isinstance(value, bool) or dtype == STRING:
        return False
    if dtype in FLOATS:
        return isinstance(value, int | float)
    low, high = RANGES[dtype]
    return isinstance(value, int) and low <= value < high


def _type_error(value: object, dtype: int) -> RequestError:
    return invalid(
        f"JSON Value: {shown(value)} Type: {type_name(value)} is not of expected type: "
        f"{TYPE_NAMES.get(dtype, 'INVALID')}"
    )


def is_base64(value: object) -> bool:
    """True for `{"b64": "..."}`, which is a string and no object."""
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def from_base64(value: Mapping[str, Any]) -> bytes:
    """The bytes of `{"b64": "..."}`.

    Raises:
        RequestError: it is something else.
    """
    if not is_base64(value):
        raise invalid(f"JSON Value: {shown(value)} not formatted correctly for base64 data")
    try:
        text = value["b64"].encode()
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise invalid("Unable to base64 decode") from error


def raw_bytes(text: str) -> bytes:
    """The bytes of a JSON string as they came."""
    return text.encode("utf-8", "surrogateescape")


def double(value: Any) -> float:
    """A JSON number as a double.

    Raises:
        RequestError: it is an integer that no double holds.
    """
    try:
        return float(value)
    except OverflowError as error:
        raise invalid("JSON Parse error: Number too big to be stored in double.") from error
