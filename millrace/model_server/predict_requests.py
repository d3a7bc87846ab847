"""PredictRequests, read without copies of their tensors and, where they repeat, without parsing.

Protobuf copies a tensor when it parses a message and again when the bytes are asked for. Here the
array is a view of the request's bytes. And callers send the same request over and over but for the
content of its tensors: when all other bytes are those of a request that has been walked before, so
is its meaning. Whatever is unusual goes through protobuf, which alone decides what is no message.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from millrace.model_server import wire
from millrace.model_server.model_spec import ModelSpec
from millrace.model_server.requests import decoded, spec_of
from millrace.model_server.wire_walk import BYTES, VARINT, Field, fields
from udfs.client import tensors
from udfs.client.tensors import DTYPES

LARGE_BYTES: Final = 16 << 10
"""Messages from here on are walked even when they are the first of their kind."""

_SPEC, _INPUTS, _OUTPUT_FILTER = 1, 2, 3
_DTYPE, _SHAPE, _CONTENT = 1, 2, 4
_PACKED: Final = {5: 1, 6: 2}
"""Packed typed fields that are the array's memory: field number to DataType."""

_MOST_LENGTHS: Final = 512
_MOST_TEMPLATES: Final = 4
_MOST_FIXED_BYTES: Final = 4 << 10
_MOST_AXES: Final = 32


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """What a PredictRequest says.

    Attributes:
        spec: model and signature; None when the message has none.
        inputs: by input name arrays that look at the message, or messages.
        output_filter: the outputs that are wanted; empty for all.
    """

    spec: ModelSpec | None
    inputs: Mapping[str, Any]
    output_filter: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Content:
    """Where a tensor's memory stands in a message, and what it is."""

    start: int
    end: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    def array(self, message: bytes) -> NDArray[Any]:
        count = (self.end - self.start) // self.dtype.itemsize
        return np.frombuffer(message, self.dtype, count, self.start).reshape(self.shape)


@dataclass(frozen=True, slots=True)
class _Template:
    """A request of which the content of tensors may change."""

    spec: ModelSpec | None
    contents: Mapping[str, _Content]
    output_filter: Sequence[str]
    fixed: Sequence[tuple[int, bytes]]

    def fits(self, message: bytes) -> bool:
        """Whether a message of the same length differs in the content only."""
        return all([message.startswith(part, at) for at, part in self.fixed])

    def filled(self, message: bytes) -> PredictRequest:
        """The request that a message which fits is."""
        inputs = {name: content.array(message) for name, content in self.contents.items()}
        return PredictRequest(self.spec, inputs, self.output_filter)


@dataclass(slots=True)
class _Length:
    """Requests of one length that came before."""

    templates: list[_Template] = field(default_factory=list)
    worth_walking: bool = True


class RequestReader:
    """Reads PredictRequests; remembers a bounded number of those that it has read."""

    def __init__(self) -> None:
        self._lengths: dict[int, _Length] = {}

    def read(self, message: bytes) -> PredictRequest:
        """What a serialised PredictRequest says.

        Raises:
            RequestError: the bytes are none.
        """
        known = self._lengths.get(len(message))
        for template in known.templates if known else ():
            if template.fits(message):
                return template.filled(message)
        if known is None:
            # Requests that never come again are not worth the second look.
            known = self._noted(len(message))
            if len(message) < LARGE_BYTES:
                return _parsed(message)
        if len(message) < LARGE_BYTES and not known.worth_walking:
            return _parsed(message)
        return self._walked(message, known)

    def _noted(self, length: int) -> _Length:
        if len(self._lengths) >= _MOST_LENGTHS:
            self._lengths.clear()
        return self._lengths.setdefault(length, _Length())

    @staticmethod
    def _walked(message: bytes, known: _Length) -> PredictRequest:
        try:
            template, others = _walk(message)
        except (DecodeError, UnicodeDecodeError):
            # Protobuf has the last word, also on what merely looks odd.
            known.worth_walking = False
            return _parsed(message)
        if others or sum(len(part) for _, part in template.fixed) > _MOST_FIXED_BYTES:
            known.worth_walking = False
        else:
            known.templates = [*known.templates[1 - _MOST_TEMPLATES :], template]
        read = template.filled(message)
        return PredictRequest(read.spec, {**read.inputs, **others}, read.output_filter)


def _parsed(message: bytes) -> PredictRequest:
    request = decoded(wire.PredictRequest, message)
    spec = spec_of(request.model_spec) if request.HasField("model_spec") else None
    return PredictRequest(spec, request.inputs, request.output_filter)


def _walk(message: bytes) -> tuple[_Template, Mapping[str, Any]]:
    """A request as a template, and the tensors in it that cannot be read in place."""
    spec: ModelSpec | None = None
    contents: dict[str, _Content] = {}
    others: dict[str, Any] = {}
    output_filter: list[str] = []
    for found in fields(message, 0, len(message)):
        if found.kind != BYTES or (found.number == _SPEC and spec is not None):
            raise DecodeError("an unusual field")
        if found.number == _SPEC:
            spec = spec_of(wire.ModelSpec.FromString(message[found.start : found.end]))
        elif found.number == _INPUTS:
            name, tensor = _entry(message, found)
            if name in contents or name in others:
                raise DecodeError("an input twice")
            if (content := _in_place(message, tensor)) is not None:
                contents[name] = content
            else:
                others[name] = wire.Tensor.FromString(message[tensor.start : tensor.end])
        elif found.number == _OUTPUT_FILTER:
            output_filter.append(str(message[found.start : found.end], "utf-8"))
        else:
            raise DecodeError("an unusual field")
    fixed = list(_between(message, contents.values()))
    return _Template(spec, contents, tuple(output_filter), fixed), others


def _between(message: bytes, contents: Iterable[_Content]) -> Iterator[tuple[int, bytes]]:
    at = 0
    for content in contents:
        yield at, message[at : content.start]
        at = content.end
    if at < len(message):
        yield at, message[at:]


def _entry(message: bytes, entry: Field) -> tuple[str, Field]:
    found = {each.number: each for each in fields(message, entry.start, entry.end)}
    if found.keys() != {1, 2} or any(each.kind != BYTES for each in found.values()):
        raise DecodeError("an unusual entry")
    return str(message[found[1].start : found[1].end], "utf-8"), found[2]


def _in_place(message: bytes, tensor: Field) -> _Content | None:
    number, shape, memory = 0, wire.TensorShapeProto(), None
    try:
        for found in fields(message, tensor.start, tensor.end):
            if found.number == _DTYPE and found.kind == VARINT:
                number = found.value
            elif found.number == _SHAPE and found.kind == BYTES:
                shape.MergeFromString(message[found.start : found.end])
            elif (
                (found.number == _CONTENT or found.number in _PACKED)
                and found.kind == BYTES
                and memory is None
            ):
                memory = found
            else:
                return None
    except DecodeError:
        return None
    dtype = DTYPES.get(number)
    sizes = tuple(dim.size for dim in shape.dim)
    if memory is None or dtype is None or shape.unknown_rank or any(size < 0 for size in sizes):
        return None
    size = memory.end - memory.start
    # Shapes that numpy may not have, without values or of many axes, are refused by who decodes.
    odd = not size or len(sizes) > _MOST_AXES
    if odd or _PACKED.get(memory.number, number) != number:
        return None
    if size != math.prod(sizes) * dtype.itemsize:
        return None
    return _Content(memory.start, memory.end, dtype, sizes)


def read_tensor(tensor: Any, max_bytes: int) -> NDArray[Any]:
    """The array of an input of a request.

    Raises:
        ValueError: the message describes no array of a known dtype.
    """
    if isinstance(tensor, np.ndarray):
        return tensor
    return tensors.decode(tensor, max_bytes)
