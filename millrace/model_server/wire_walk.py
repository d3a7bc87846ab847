"""A walk over a serialised message in place, for the few fields that carry large tensors."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

VARINT: Final = 0
BYTES: Final = 2
_FIXED: Final = {1: 8, 5: 4}
_CONTINUES: Final = 0x80
_MAX_SHIFT: Final = 63


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message.

    Attributes:
        number: the field's number.
        kind: its wire type.
        value: the value of a varint.
        start: where the bytes of the others begin in the whole message.
        end: where they end.
    """

    number: int
    kind: int
    value: int
    start: int
    end: int


def fields(message: bytes, at: int, end: int) -> Iterator[Field]:
    """The fields that stand between two places, without a copy.

    Raises:
        DecodeError: the bytes are no message, or have groups in it.
    """
    while at < end:
        tag, at = varint(message, at, end)
        number, kind = tag >> 3, tag & 7
        value, size = 0, _FIXED.get(kind, 0)
        if kind == VARINT:
            value, at = varint(message, at, end)
        elif kind == BYTES:
            size, at = varint(message, at, end)
        elif not size:
            raise DecodeError(f"a field of kind {kind}")
        if not number or size > end - at:
            raise DecodeError("a field is cut off")
        yield Field(number, kind, value, at, at + size)
        at += size


def varint(message: bytes, at: int, end: int) -> tuple[int, int]:
    """The number at a place, and the place after it.

    >>> varint(bytes([0xac, 0x02]), 0, 2)
    (300, 2)
    """
    value = shift = 0
    while at < end and shift <= _MAX_SHIFT:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < _CONTINUES:
            return value, at
        shift += 7
    raise DecodeError("a number is cut off")


def written_varint(value: int) -> bytes:
    """A number from 0 as it stands on the wire.

    >>> written_varint(300).hex()
    'ac02'
    """
    parts = bytearray()
    while value >= _CONTINUES:
        parts.append(value & 0x7F | _CONTINUES)
        value >>= 7
    parts.append(value)
    return bytes(parts)
