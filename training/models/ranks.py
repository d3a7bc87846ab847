"""Values as ranks among quantiles, taken of the positives and of the others apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Both together stay below the 255 bins of scikit-learn's histograms.
_QUANTILES = 120


@dataclass(frozen=True)
class Ranks:
    """The edges of each column, ascending float32.

    A value's rank is how many edges lie below it, so `rank <= r` says the same as
    `value <= edges[r]`.

    >>> ranks = Ranks([np.array([1.0, 5.0], np.float32)])
    >>> ranks(np.array([[0.0], [1.0], [2.0], [9.0]], np.float32)).tolist()
    [[0.0], [0.0], [1.0], [2.0]]
    """

    edges: Sequence[NDArray[np.float32]]

    @classmethod
    def of(cls, columns: NDArray[np.float32], labels: NDArray[np.bool_]) -> "Ranks":
        """The ranks of columns (n, g) with labels (n,), some of them true and some not."""
        at = np.linspace(0, 1, _QUANTILES)
        groups = (columns[~labels], columns[labels])
        return cls(
            [
                np.unique([np.quantile(g[:, place], at, method="lower") for g in groups])
                for place in range(columns.shape[1])
            ]
        )

    def __call__(self, columns: NDArray[np.float32]) -> NDArray[np.float32]:
        """The ranks of columns (n, g); whole numbers, the same shape."""
        ranks = np.empty(columns.shape, np.float32)
        for place, edges in enumerate(self.edges):
            ranks[:, place] = np.searchsorted(edges, columns[:, place])
        return ranks
