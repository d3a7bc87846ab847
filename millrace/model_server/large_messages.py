"""Predict messages with large tensors, read and written without copies on the way.

Protobuf copies a tensor when it parses a message, again when the bytes are asked for, and twice
when it writes. Here the array is a view of the request's bytes, and a reply's bytes are joined
once. Small messages go through protobuf, which is quicker for them; so does whatever is unusual,
so that protobuf alone decides what is no message.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from millrace.model_server import wire
from millrace.model_server.core import Prediction
from millrace.model_server.requests import decoded
from millrace.model_server.wire_walk import BYTES, VARINT, fields, written_varint
from udfs.client import tensors
from udfs.client.tensors import DTYPES, NUMBERS

LARGE_BYTES: Final = 16 << 10
"""Messages from here on are read and written in place."""

_INPUTS, _OUTPUT_FILTER = 2, 3
_DTYPE, _SHAPE, _CONTENT = 1, 2, 4
_PACKED: Final = {5: 1, 6: 2}
"""Packed typed fields that are the array's memory: field number to DataType."""
_TYPED_FIELDS: Final = {1: 5, 2: 6, 8: 9, 10: 11, 18: 12}
"""The typed field of a DataType, where its packed form is the array's memory."""


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """A PredictRequest whose tensors are arrays that look at the message's bytes.

    Attributes:
        model_spec: the parsed ModelSpec.
        inputs: arrays by input name, messages where a tensor cannot be read in place.
        output_filter: output names.
        has_spec: the message holds a ModelSpec.
    """

    model_spec: Any
    inputs: Mapping[str, Any]
    output_filter: Sequence[str]
    has_spec: bool

    def HasField(self, name: str) -> bool:
        """Whether the message holds a field, as protobuf's messages tell it."""
        return name == "model_spec" and self.has_spec


def predict_request(message: bytes) -> Any:
    """A PredictRequest, in place where it is large.

    Raises:
        RequestError: the bytes are none.
    """
    if len(message) >= LARGE_BYTES:
        try:
            return _walked(memoryview(message))
        except (DecodeError, UnicodeDecodeError):
            # Protobuf has the last word, also on what merely looks odd.
            return decoded(wire.PredictRequest, message)
    return decoded(wire.PredictRequest, message)


def _walked(view: memoryview) -> PredictRequest:
    spec: memoryview | None = None
    inputs: dict[str, Any] = {}
    output_filter: list[str] = []
    for number, kind, _, content in fields(view):
        if kind != BYTES or number > _OUTPUT_FILTER or (number == 1 and spec is not None):
            raise DecodeError("an unusual field")
        if number == 1:
            spec = content
        elif number == _INPUTS:
            name, tensor = _entry(content)
            array = _in_place(tensor)
            inputs[name] = wire.Tensor.FromString(bytes(tensor)) if array is None else array
        else:
            output_filter.append(str(content, "utf-8"))
    parsed = wire.ModelSpec.FromString(bytes(spec or b""))
    return PredictRequest(parsed, inputs, output_filter, spec is not None)


def _entry(view: memoryview) -> tuple[str, memoryview]:
    found = {number: content for number, _, _, content in fields(view)}
    if found.keys() != {1, 2}:
        raise DecodeError("an unusual entry")
    return str(found[1], "utf-8"), found[2]


def read_tensor(tensor: Any, max_bytes: int) -> NDArray[Any]:
    """The array of an input of a request.

    Raises:
        ValueError: the message describes no array of a known dtype.
    """
    if isinstance(tensor, np.ndarray):
        return tensor
    return tensors.decode(tensor, max_bytes)


def _in_place(view: memoryview) -> NDArray[Any] | None:
    number, shape, memory, memory_type = 0, wire.TensorShapeProto(), None, 0
    try:
        for field, kind, value, content in fields(view):
            if field == _DTYPE and kind == VARINT:
                number = value
            elif field == _SHAPE and kind == BYTES:
                shape.MergeFromString(bytes(content))
            elif (field == _CONTENT or field in _PACKED) and kind == BYTES and memory is None:
                memory, memory_type = content, _PACKED.get(field, 0)
            else:
                return None
    except DecodeError:
        return None
    dtype = DTYPES.get(number)
    sizes = [dim.size for dim in shape.dim]
    if memory is None or dtype is None or memory_type not in {0, number} or shape.unknown_rank:
        return None
    if any(size < 0 for size in sizes) or len(memory) != math.prod(sizes) * dtype.itemsize:
        return None
    return np.frombuffer(memory, dtype).reshape(sizes)


def predict_reply(answer: Prediction, *, as_content: bool) -> bytes | None:
    """A serialised PredictResponse with large outputs; None where protobuf is to write it.

    Args:
        answer: what the core answered.
        as_content: True for `tensor_content`, False for the typed `*_val` fields.
    """
    if sum(value.nbytes for value in answer.values) < LARGE_BYTES:
        return None
    parts: list[Any] = []
    for alias, value in zip(answer.names, answer.values, strict=True):
        number = NUMBERS.get(value.dtype, 0)
        field = _CONTENT if as_content else _TYPED_FIELDS.get(number, 0)
        if not number or not field or not value.flags.c_contiguous:
            return None
        parts += _written(alias.encode(), number, value, field)
    spec = wire.ModelSpec(name=answer.name, signature_name=answer.signature)
    spec.version.value = answer.version
    parts.append(_delimited(2, spec.SerializeToString()))
    return b"".join(parts)


def _written(alias: bytes, number: int, value: NDArray[Any], field: int) -> list[Any]:
    shape = wire.TensorShapeProto(dim=[{"size": size} for size in value.shape])
    head = b"\x08" + written_varint(number) + _delimited(_SHAPE, shape.SerializeToString())
    head += _header(field, value.nbytes)
    key = _delimited(1, alias)
    tensor_size = len(head) + value.nbytes
    tensor_header = _header(2, tensor_size)
    entry_header = _header(1, len(key) + len(tensor_header) + tensor_size)
    memory = value.reshape(-1).view(np.uint8).data if value.size else b""
    return [entry_header, key, tensor_header, head, memory]


def _header(field: int, size: int) -> bytes:
    return written_varint(field << 3 | BYTES) + written_varint(size)


def _delimited(field: int, content: bytes) -> bytes:
    return _header(field, len(content)) + content
