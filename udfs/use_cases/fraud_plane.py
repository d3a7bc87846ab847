"""The plane of the fraud generator: which terminals are near whom."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_TERMINALS_IN_REACH = 80
_CELLS_IN_REACH = 9


@dataclass(frozen=True)
class Plane:
    """Terminals in square cells; within reach are those of the home's cell and the eight around.

    The size of a cell follows from the density, so that about 80 terminals are within reach: a
    larger world is a wider one, not a denser one. Cells that lie side by side hold neighbouring
    slots of `by_cell`, so a reach is three slices, one a row of cells.

    Attributes:
        by_cell: terminals in the order of their cells, int64, (terminals,).
        starts: where each slice of a customer's reach starts in `by_cell`, int64, (customers, 3).
        ends: how many terminals are in this slice and those before it, int64, (customers, 3).
    """

    by_cell: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, homes: NDArray[np.float64], places: NDArray[np.float64]) -> "Plane":
        """The plane of customers' homes (c, 2) and terminals' places (t, 2) in the unit square."""
        side = max(int(np.sqrt(len(places) * _CELLS_IN_REACH / _TERMINALS_IN_REACH)), 1)
        row, column = (places * side).astype(np.int64).T
        cell = row * side + column
        by_cell = np.argsort(cell, kind="stable")
        first = np.searchsorted(cell[by_cell], np.arange(side * side + 1))

        home_row, home_column = (homes * side).astype(np.int64).T
        rows = home_row[:, None] + np.array([-1, 0, 1])
        left = np.maximum(home_column - 1, 0)[:, None]
        right = np.minimum(home_column + 2, side)[:, None]
        inside = (rows >= 0) & (rows < side)
        base = np.where(inside, rows, 0) * side
        starts = first[base + left]
        sizes = np.where(inside, first[base + right] - starts, 0)
        return cls(by_cell, starts, np.cumsum(sizes, axis=1))

    def terminals(
        self, customers: NDArray[np.int64], draws: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """A terminal for each customer (n,) by a draw in [0, 1), even over those within reach.

        >>> plane = Plane.of(np.array([[0.5, 0.5]]), np.array([[0.1, 0.1], [0.9, 0.9]]))
        >>> plane.terminals(np.array([0, 0]), np.array([0.0, 0.9])).tolist()
        [0, 1]
        """
        ends, starts = self.ends[customers], self.starts[customers]
        nth = (draws * ends[:, -1]).astype(np.int64)
        place = np.sum(nth[:, None] >= ends[:, :-1], axis=1)
        rows = np.arange(len(customers))
        before = np.where(place > 0, ends[rows, place - 1], 0)
        slot = starts[rows, place] + nth - before
        # A reach with nothing in it ends at a slot of the neighbours.
        found: NDArray[np.int64] = self.by_cell[np.minimum(slot, len(self.by_cell) - 1)]
        return found
