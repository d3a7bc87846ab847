"""numpy arrays to the tensors of TensorFlow's runtime and back: one copy each way."""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from millrace.model_server.errors import RequestError, invalid
from millrace.model_server.tensorflow_library import load_library
from udfs.client.tensors import DTYPES, NUMBERS, STRING

_STRING_BYTES: Final = 24
"""sizeof(TF_TString)."""

_UNIMPLEMENTED: Final = 12
_WORTH_KEEPING: Final = 8 << 10
"""Bytes from which a view of the runtime's memory costs less than a copy."""


@contextmanager
def tensors_of(arrays: Sequence[NDArray[Any]]) -> Iterator[list[int]]:
    """Tensors with the arrays' values, freed at the end."""
    made: list[int] = []
    try:
        for array in arrays:
            made.append(_tensor(array))
        yield made
    finally:
        for tensor, array in zip(made, arrays, strict=False):
            _free(tensor, array)


def _tensor(array: NDArray[Any]) -> int:
    library = load_library()
    text = array.dtype == object
    size = array.size * _STRING_BYTES if text else array.nbytes
    dims = (ctypes.c_int64 * array.ndim)(*array.shape)
    number = STRING if text else NUMBERS[array.dtype]
    tensor: int | None = library.TF_AllocateTensor(number, dims, array.ndim, size)
    if tensor is None:
        raise invalid(f"no memory for a tensor of {size} bytes")
    if text:
        _write_strings(library, tensor, array)
    elif size:
        whole = np.ascontiguousarray(array)
        ctypes.memmove(library.TF_TensorData(tensor), whole.ctypes.data, size)
    return tensor


def _write_strings(library: Any, tensor: int, array: NDArray[Any]) -> None:
    start = library.TF_TensorData(tensor) or 0
    for place, value in enumerate(array.ravel().tolist()):
        string = start + place * _STRING_BYTES
        library.TF_StringInit(string)
        library.TF_StringCopy(string, value, len(value))


def _free(tensor: int, array: NDArray[Any]) -> None:
    library = load_library()
    if array.dtype == object:
        # The library frees the tensor's memory but not what its strings point to.
        start = library.TF_TensorData(tensor) or 0
        for place in range(array.size):
            library.TF_StringDealloc(start + place * _STRING_BYTES)
    library.TF_DeleteTensor(tensor)


class _Memory:
    """A tensor of the runtime; it is freed with the last array that looks at it."""

    __array_interface__: dict[str, Any]

    def __init__(self, tensor: int) -> None:
        self.tensor = tensor

    def __del__(self) -> None:
        load_library().TF_DeleteTensor(self.tensor)


def arrays_of(tensors: Sequence[int]) -> list[NDArray[Any]]:
    """Arrays with the values of tensors, which they take over.

    Raises:
        RequestError: numpy has no such type.
    """
    return [_array_of(memory) for memory in [_Memory(tensor) for tensor in tensors]]


def _array_of(memory: _Memory) -> NDArray[Any]:
    # Large arrays look at the runtime's memory, small ones are copied: that costs less.
    library, tensor = load_library(), memory.tensor
    number = library.TF_TensorType(tensor)
    shape = [library.TF_Dim(tensor, axis) for axis in range(library.TF_NumDims(tensor))]
    if number == STRING:
        return _read_strings(library, tensor).reshape(shape)
    dtype = DTYPES.get(number)
    if dtype is None:
        message = f"An output has TensorFlow's type {number}, which this server cannot send."
        raise RequestError.of_runtime(_UNIMPLEMENTED, message)
    size = library.TF_TensorByteSize(tensor)
    if size >= _WORTH_KEEPING:
        data = library.TF_TensorData(tensor), True
        memory.__array_interface__ = {
            "version": 3,
            "shape": tuple(shape),
            "typestr": dtype.str,
            "data": data,
        }
        return np.asarray(memory)
    content = ctypes.string_at(library.TF_TensorData(tensor), size) if size else b""
    return np.frombuffer(content, dtype).reshape(shape)


def _read_strings(library: Any, tensor: int) -> NDArray[Any]:
    start = library.TF_TensorData(tensor) or 0
    array = np.empty(library.TF_TensorByteSize(tensor) // _STRING_BYTES, object)
    for place in range(len(array)):
        string = start + place * _STRING_BYTES
        data, size = library.TF_StringGetDataPointer(string), library.TF_StringGetSize(string)
        array[place] = ctypes.string_at(data, size) if size else b""
    return array
