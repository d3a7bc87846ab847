"""A walk over a serialised message in place, for the few fields that carry large tensors."""

from collections.abc import Iterator
from typing import Final

from google.protobuf.message import DecodeError

VARINT: Final = 0
BYTES: Final = 2
_FIXED: Final = {1: 8, 5: 4}
_CONTINUES: Final = 0x80
_MAX_SHIFT: Final = 63


def fields(view: memoryview) -> Iterator[tuple[int, int, int, memoryview]]:
    """Each field as (number, wire type, value of a varint, bytes of the others), without a copy.

    Args:
        view: the message's bytes.

    Raises:
        DecodeError: the bytes are no message, or have groups in it.
    """
    at, end = 0, len(view)
    while at < end:
        tag, at = varint(view, at)
        number, kind = tag >> 3, tag & 7
        value, size = 0, _FIXED.get(kind, 0)
        if kind == VARINT:
            value, at = varint(view, at)
        elif kind == BYTES:
            size, at = varint(view, at)
        elif not size:
            raise DecodeError(f"a field of kind {kind}")
        if not number or size > end - at:
            raise DecodeError("a field is cut off")
        yield number, kind, value, view[at : at + size]
        at += size


def varint(view: memoryview, at: int) -> tuple[int, int]:
    """The number at a place, and the place after it.

    >>> varint(memoryview(bytes([0xac, 0x02])), 0)
    (300, 2)
    """
    value = shift = 0
    while at < len(view) and shift <= _MAX_SHIFT:
        byte = view[at]
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
