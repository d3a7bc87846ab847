"""The arrays that folds take and give."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[Any]]
"""Columns of a block by record field: int64 or float64, of shape (n,), or (n, k) for vectors."""

COUNT = {"counts": "events of one key"}
"""Metadata of a field that counts events of one key: four bytes hold it on its way."""

Features = NDArray[Any]
"""Feature rows, float64 or int64, shape (n, len(spec.names)), in the spec's order."""


@dataclass(frozen=True)
class WindowValues:
    """What one `WindowedAggregate` gave for a block of n records and w windows.

    Attributes:
        count: records of the key in the window, the current one included; shape (n, w), int64.
        total: sum of the value column over the same records; shape (n, w), int64.
    """

    count: NDArray[np.int64] = field(metadata=COUNT)
    total: NDArray[np.int64]


@dataclass(frozen=True)
class LabelledValues:
    """What one `DelayedWindows` gave for a block of n events and w windows.

    Attributes:
        count: records of the key in the window; shape (n, w), int64.
        positive: sum of the labels known for them by then; shape (n, w), int64.
    """

    count: NDArray[np.int64]
    positive: NDArray[np.int64]


def arrays(result: Any) -> list[NDArray[Any]]:
    """The arrays that a fold's result is made of: itself, or those in a tuple or dataclass."""
    if isinstance(result, np.ndarray):
        return [result]
    return [array for part in _parts(result) for array in arrays(part)]


def rebuilt(template: Any, given: Iterable[NDArray[Any]]) -> Any:
    """A result of the template's form out of what `arrays` gave."""
    return _rebuilt(template, iter(given))


def rows_of(result: Any, places: NDArray[np.int64]) -> Any:
    """The rows of a fold's result at these places.

    >>> rows_of((np.array([5, 6, 7]), np.array([True, False, True])), np.array([2, 0]))
    (array([7, 5]), array([ True,  True]))
    """
    return rebuilt(result, (array.take(places, axis=0) for array in arrays(result)))


def _parts(result: Any) -> list[Any]:
    if is_dataclass(result):
        return [getattr(result, one.name) for one in fields(result)]
    return list(result)


def _rebuilt(template: Any, given: Iterator[NDArray[Any]]) -> Any:
    if isinstance(template, np.ndarray):
        return next(given)
    parts = [_rebuilt(part, given) for part in _parts(template)]
    form: Callable[..., Any] = type(template)
    return form(*parts) if is_dataclass(template) else tuple(parts)
