"""JSON values to tensors: nested lists are axes, anything else is a scalar."""

import itertools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from millrace.model_server.errors import invalid
from millrace.model_server.rest.json_scalars import FLOATS, RANGES, element
from millrace.model_server.rest.json_shown import shown
from udfs.client.tensors import DTYPES, STRING

# numpy's limit less the axis that rows add; TensorFlow's is 254.
_MAX_AXES: Final = 63


def tensor(value: object, dtype: int) -> NDArray[Any]:
    """The array that a JSON value means.

    >>> tensor([[1, 2], [3, 4]], 1).shape
    (2, 2)

    Args:
        value: what the JSON holds.
        dtype: TensorFlow's DataType number of the input.

    Raises:
        RequestError: the value is ragged or of another type, in TensorFlow Serving's words.
    """
    shape = shape_of(value)
    fast = at_once(value, dtype)
    if fast is not None:
        return fast
    values: list[Any] = []
    _fill(value, 0, shape, dtype, values)
    return _array(values, shape, dtype)


def shape_of(value: object) -> tuple[int, ...]:
    """The shape that the first elements have; the rest may still differ.

    Raises:
        RequestError: it has more axes than an array may have.
    """
    sizes = []
    while isinstance(value, list):
        sizes.append(len(value))
        value = value[0] if value else None
    if len(sizes) > _MAX_AXES:
        raise invalid(f"A tensor of {len(sizes)} axes cannot be read, {_MAX_AXES} are the most.")
    return tuple(sizes)


def at_once(value: object, dtype: int) -> NDArray[Any] | None:
    """The array when all is as it should be, without a step of Python a number; else None."""
    shape = shape_of(value)
    flat: Sequence[Any] = [value]
    for size in shape:
        if set(map(type, flat)) - {list} or set(map(len, flat)) - {size}:
            return None
        flat = list(itertools.chain.from_iterable(flat))
    types = set(map(type, flat))
    if dtype in FLOATS and types <= {int, float}:
        try:
            return _array(flat, shape, dtype)
        except OverflowError:
            # An integer that no double holds: the slow way finds and tells it.
            return None
    if dtype in RANGES and types == {int}:
        low, high = RANGES[dtype]
        if low <= min(flat) and max(flat) < high:
            return _array(flat, shape, dtype)
    return None


def _array(values: Sequence[Any], shape: tuple[int, ...], dtype: int) -> NDArray[Any]:
    if dtype == STRING:
        array = np.empty(len(values), object)
        array[:] = values
        return array.reshape(shape)
    wide = np.float64 if dtype in FLOATS else np.uint64 if min(values, default=0) >= 0 else np.int64
    # TensorFlow Serving narrows without a word, too.
    with np.errstate(over="ignore"):
        return np.array(values, wide).astype(DTYPES[dtype]).reshape(shape)


def _fill(value: object, level: int, shape: tuple[int, ...], dtype: int, values: list[Any]) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"JSON Value: {shown(value)} found at incorrect level: {level + 1} in the JSON "
                f"DOM. Expected at level: {len(shape)}"
            )
        values.append(element(value, dtype))
        return
    if level >= len(shape):
        raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} "
            f"expected size: {shape[level]}"
        )
    for item in value:
        _fill(item, level + 1, shape, dtype, values)
