"""The arrays that folds take and give."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
