"""The arrays that folds take and give."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[np.int64]]
"""Integer columns of a block by record field, each of shape (n,)."""

Features = NDArray[np.float64]
"""Feature rows, shape (n, len(spec.names)), in the spec's order."""


@dataclass(frozen=True)
class WindowValues:
    """What one `WindowedAggregate` gave for a block of n records and w windows.

    Attributes:
        count: records of the key in the window, the current one included; shape (n, w), int64.
        total: sum of the value column over the same records; shape (n, w), int64.
    """

    count: NDArray[np.int64]
    total: NDArray[np.int64]
