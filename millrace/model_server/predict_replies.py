"""PredictResponses, written without copies on the way.

Protobuf copies a tensor twice when it writes. Here a reply's bytes are joined once, out of the
runtime's own memory, and what stands around the content of a tensor is made once for each shape.
What is unusual is left to protobuf.
"""

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from millrace.model_server import wire
from millrace.model_server.core import Prediction
from millrace.model_server.wire_walk import BYTES, written_varint
from udfs.client.tensors import NUMBERS

_CONTENT: Final = 4
_TYPED_FIELDS: Final = {1: 5, 2: 6, 8: 9, 10: 11, 18: 12}
"""The typed field of a DataType, where its packed form is the array's memory."""


def predict_reply(answer: Prediction, *, as_content: bool) -> bytes | None:
    """A serialised PredictResponse; None where protobuf is to write it.

    Args:
        answer: what the core answered.
        as_content: True for `tensor_content`, False for the typed `*_val` fields.
    """
    parts: list[Any] = []
    for alias, value in zip(answer.names, answer.values, strict=True):
        number = NUMBERS.get(value.dtype, 0)
        field = _CONTENT if as_content else _TYPED_FIELDS.get(number, 0)
        if not number or not field or not value.size or not value.flags.c_contiguous:
            return None
        parts.append(_head(alias, number, value.shape, value.nbytes, field))
        parts.append(_memory(value))
    parts.append(_spec(answer.name, answer.version, answer.signature))
    return b"".join(parts)


def _memory(value: NDArray[Any]) -> Any:
    return value.reshape(-1).view(np.uint8).data


@lru_cache(maxsize=1024)
def _head(alias: str, number: int, shape: tuple[int, ...], size: int, field: int) -> bytes:
    """What goes before the memory of an output."""
    message = wire.TensorShapeProto(dim=[{"size": length} for length in shape])
    head = b"\x08" + written_varint(number) + _delimited(2, message.SerializeToString())
    head += _header(field, size)
    key = _delimited(1, alias.encode())
    tensor_header = _header(2, len(head) + size)
    entry_header = _header(1, len(key) + len(tensor_header) + len(head) + size)
    return entry_header + key + tensor_header + head


@lru_cache(maxsize=256)
def _spec(name: str, version: int, signature: str) -> bytes:
    spec = wire.ModelSpec(name=name, signature_name=signature)
    spec.version.value = version
    return _delimited(2, spec.SerializeToString())


def _header(field: int, size: int) -> bytes:
    return written_varint(field << 3 | BYTES) + written_varint(size)


def _delimited(field: int, content: bytes) -> bytes:
    return _header(field, len(content)) + content
