"""Arrays to TensorFlow's tensor messages and back, with as few copies as protobuf allows."""

import math
from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from udfs.client.wire import TypedTensor

STRING: Final = 7
"""TensorFlow's number for strings; numpy has none, they are objects of type bytes."""

_TYPES: Final[tuple[tuple[int, str, str], ...]] = (
    (1, "<f4", "float_val"),
    (2, "<f8", "double_val"),
    (3, "<i4", "int_val"),
    (4, "|u1", "int_val"),
    (5, "<i2", "int_val"),
    (6, "|i1", "int_val"),
    (8, "<c8", "scomplex_val"),
    (9, "<i8", "int64_val"),
    (10, "|b1", "bool_val"),
    (17, "<u2", "int_val"),
    (18, "<c16", "dcomplex_val"),
    (19, "<f2", "half_val"),
    (22, "<u4", "uint32_val"),
    (23, "<u8", "uint64_val"),
)
DTYPES: Final[Mapping[int, np.dtype[Any]]] = MappingProxyType(
    {number: np.dtype(name) for number, name, _ in _TYPES}
)
"""numpy dtypes by TensorFlow's DataType number."""

NUMBERS: Final = MappingProxyType({dtype: number for number, dtype in DTYPES.items()})
"""TensorFlow's DataType numbers by numpy dtype."""

_FIELDS: Final = {number: field for number, _, field in _TYPES}
_AS_MEMORY: Final = frozenset({"float_val", "double_val", "scomplex_val", "dcomplex_val"})
_MAX_BYTES: Final = 1 << 30


class TensorError(ValueError):
    """An array or a tensor message that has no counterpart on the other side."""


def encode(array: NDArray[Any], tensor: Any) -> None:
    """Writes an array into an empty tensor message, its memory as `tensor_content`.

    Raises:
        TensorError: the array's dtype has no counterpart.
    """
    flat = _header(array, tensor)
    if tensor.dtype == STRING:
        tensor.string_val.extend(flat)
    else:
        tensor.tensor_content = flat.tobytes()


def encode_typed(array: NDArray[Any], tensor: Any) -> None:
    """Writes an array into an empty tensor message, in the `*_val` field of its dtype.

    Raises:
        TensorError: the array's dtype has no counterpart.
    """
    flat = _header(array, tensor)
    field = getattr(tensor, _FIELDS.get(tensor.dtype, "string_val"))
    if tensor.dtype == STRING or not array.size:
        field.extend(flat)
    elif _FIELDS[tensor.dtype] in _AS_MEMORY or array.dtype.kind == "b":
        field.append(flat.tobytes())
    elif array.dtype.kind == "f":
        field.extend(np.frombuffer(flat.tobytes(), "<u2").tolist())
    else:
        field.extend(flat.ravel().tolist())


def _header(array: NDArray[Any], tensor: Any) -> Any:
    for size in array.shape:
        tensor.tensor_shape.dim.add().size = size
    tensor.tensor_shape.SetInParent()
    if array.dtype.kind in "SUO":
        tensor.dtype = STRING
        return [_as_bytes(value) for value in array.ravel().tolist()]
    little = array.dtype.newbyteorder("<")
    number = NUMBERS.get(little)
    if number is None:
        raise TensorError(f"arrays of {array.dtype} have no TensorFlow type")
    tensor.dtype = number
    return array.astype(little, copy=False)


def _as_bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise TensorError(f"a string tensor cannot hold a {type(value).__name__}")


def decode(tensor: Any, max_bytes: int = _MAX_BYTES) -> NDArray[Any]:
    """The array of a tensor message, from `tensor_content` or the `*_val` fields; read-only.

    As in TensorFlow, the last of too few values fills the rest, and no value at all means zeros.

    Args:
        tensor: a message of type `Tensor`.
        max_bytes: the largest array that a few values may be spread over.

    Raises:
        TensorError: the message describes no array of a known dtype.
    """
    shape = _shape(tensor)
    count = math.prod(shape)
    if tensor.dtype == STRING:
        return _strings(tensor, count, max_bytes).reshape(shape)
    dtype = DTYPES.get(tensor.dtype)
    if dtype is None:
        raise TensorError(f"TensorFlow's type {tensor.dtype} has no numpy counterpart")
    content: bytes = tensor.tensor_content
    if content:
        if len(content) != count * dtype.itemsize:
            raise TensorError(f"{len(content)} bytes of {dtype} cannot have shape {shape}")
        return np.frombuffer(content, dtype).reshape(shape)
    return _filled(_typed_values(tensor, dtype), count, max_bytes).reshape(shape)


def _shape(tensor: Any) -> tuple[int, ...]:
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    if tensor.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise TensorError("a tensor's shape has to be known")
    return shape


def _typed_values(tensor: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    field = _FIELDS[tensor.dtype]
    values = getattr(tensor, field)
    if field not in _AS_MEMORY and dtype.kind != "b":
        return _from_numbers(values, dtype)
    packed = b"".join(values)
    # Any byte but 0 and 1 is no canonical bool. Without a value the sender may not have packed.
    if (
        packed
        and len(packed) % dtype.itemsize == 0
        and not (dtype.kind == "b" and packed.translate(None, b"\x00\x01"))
    ):
        return np.frombuffer(packed, dtype)
    try:
        literal = TypedTensor.FromString(tensor.SerializeToString())
    except DecodeError as error:
        raise TensorError(f"the values of {dtype} are cut off") from error
    return _from_numbers(getattr(literal, field), dtype)


def _from_numbers(values: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "c":
        return np.fromiter(values, f"<f{dtype.itemsize // 2}", len(values)).view(dtype)
    if dtype == np.float16:
        return (np.fromiter(values, np.int64, len(values)) & 0xFFFF).astype("<u2").view(dtype)
    if dtype.kind in "iu" and dtype.itemsize < np.dtype(np.int32).itemsize:
        return np.fromiter(values, np.int64, len(values)).astype(dtype)
    return np.fromiter(values, dtype, len(values))


def _filled(values: NDArray[Any], count: int, max_bytes: int) -> NDArray[Any]:
    if len(values) >= count:
        return values[:count]
    if count * values.itemsize > max_bytes:
        raise TensorError(f"a tensor of {count} values exceeds the limit of {max_bytes} bytes")
    whole = np.zeros(count, values.dtype) if values.dtype != object else np.full(count, b"", object)
    if len(values):
        whole[: len(values)] = values
        whole[len(values) :] = values[-1]
    return whole


def _strings(tensor: Any, count: int, max_bytes: int) -> NDArray[Any]:
    content: bytes = tensor.tensor_content
    values = _string_content(content, count) if content else list(tensor.string_val)
    array = np.empty(len(values), object)
    array[:] = values
    return _filled(array, count, max_bytes)


def _string_content(content: bytes, count: int) -> list[bytes]:
    # TensorFlow's list of strings: all lengths as varints, then the bytes in one piece.
    if count > len(content):
        raise TensorError(f"{len(content)} bytes cannot hold {count} strings")
    lengths, at = [], 0
    for _ in range(count):
        length, at = _varint(content, at)
        lengths.append(length)
    if sum(lengths) != len(content) - at:
        raise TensorError("the strings of a tensor do not fill its content")
    ends = np.cumsum([at, *lengths]).tolist()
    return [content[start:end] for start, end in pairwise(ends)]


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 35, 7):
        if at >= len(content):
            break
        value |= (content[at] & 0x7F) << shift
        at += 1
        if content[at - 1] < 0x80:  # noqa: PLR2004
            return value, at
    raise TensorError("a length in a string tensor's content is cut off")
