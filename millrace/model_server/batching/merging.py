"""Rows of several tasks put together, and taken apart again."""

from collections.abc import Sequence
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from millrace.model_server.errors import RequestError, invalid
from millrace.model_server.servable import Feeds


def rows_of(feeds: Feeds) -> int:
    """The rows of a task.

    Raises:
        RequestError: its inputs have none, or not the same number.
    """
    if not feeds:
        raise invalid("Batching Run() must have at least one input tensor")
    rows = -1
    for _, array in feeds:
        if not array.ndim:
            raise invalid("Batching Run() input tensors must have at least one dimension")
        if rows not in {-1, len(array)}:
            raise invalid("Batching Run() input tensors must have equal 0th-dimension size")
        rows = len(array)
    return rows


def merged(tasks: Sequence[Feeds], padding: int, *, pad_lengths: bool) -> Feeds:
    """One task of many: rows after rows, and the last one's first row again for padding.

    Args:
        tasks: feeds of the same names and types.
        padding: rows to add.
        pad_lengths: inputs differ in their inner axes, and zeros (empty strings) fill them up.
    """
    if len(tasks) == 1 and not padding:
        return tasks[0]
    return [
        (name, _column([feeds[place][1] for feeds in tasks], padding, pad_lengths=pad_lengths))
        for place, (name, _) in enumerate(tasks[0])
    ]


def _column(arrays: Sequence[NDArray[Any]], padding: int, *, pad_lengths: bool) -> NDArray[Any]:
    if pad_lengths:
        inner = np.max([array.shape[1:] for array in arrays], axis=0).astype(int).tolist()
        arrays = [_lengthened(array, inner) for array in arrays]
    return np.concatenate([*arrays, *[arrays[-1][:1]] * padding])


def _lengthened(array: NDArray[Any], inner: Sequence[int]) -> NDArray[Any]:
    if list(array.shape[1:]) == list(inner):
        return array
    fill: Any = b"" if array.dtype == object else 0
    whole = np.full((len(array), *inner), fill, array.dtype)
    whole[tuple(slice(0, size) for size in array.shape)] = array
    return whole


def split(
    values: Sequence[NDArray[Any]], sizes: Sequence[int], padded: int
) -> list[list[NDArray[Any]]]:
    """The outputs of each task, as views.

    Args:
        values: the outputs of the batch.
        sizes: rows of each task.
        padded: rows that the batch ran with.

    Raises:
        RequestError: an output has not a row for each row.
    """
    for value in values:
        if not value.ndim:
            raise RequestError(
                grpc.StatusCode.FAILED_PRECONDITION, "Batched output tensor has 0 dimensions"
            )
        if len(value) != padded:
            raise RequestError(
                grpc.StatusCode.FAILED_PRECONDITION,
                "Batched output tensor's 0th dimension does not equal the sum of the 0th "
                "dimension sizes of the input tensors",
            )
    ends = np.cumsum(sizes).tolist()
    return [
        [value[end - size : end] for value in values] for size, end in zip(sizes, ends, strict=True)
    ]
