"""Which terminals lie within a customer's reach on the plane of the fraud generator."""

import numpy as np
from numpy.typing import NDArray

_TERMINALS_IN_REACH = 80


def terminals_in_reach(
    homes: NDArray[np.float64], places: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each customer the terminals near the home, about 80 of them away from the borders.

    The radius follows from the density, so a larger world is a wider one, not a denser one.
    Each customer has one more terminal anywhere (a shop on the web), so no reach is empty.

    Args:
        homes: the customers' places in the unit square, (c, 2).
        places: the terminals' places, (t, 2).

    Returns:
        Offsets (c + 1,) and terminals (sum of reaches,), both int64: customer i has
        `terminals[offsets[i]:offsets[i + 1]]`.

    >>> rng = np.random.default_rng(0)
    >>> offsets, terminals = terminals_in_reach(rng.random((3, 2)), rng.random((1000, 2)))
    >>> np.diff(offsets).tolist()
    [92, 30, 59]
    """
    radius = float(np.sqrt(_TERMINALS_IN_REACH / (np.pi * len(places))))
    side = max(int(1 / radius), 1)
    cells = np.minimum((places * side).astype(np.int64), side - 1)
    by_cell = np.argsort(cells[:, 0] * side + cells[:, 1], kind="stable")
    starts = np.searchsorted(
        (cells[:, 0] * side + cells[:, 1])[by_cell], np.arange(side * side + 1)
    )
    everybody = np.arange(len(homes))
    pairs = [np.stack([everybody, everybody % len(places)])]
    home_cells = np.minimum((homes * side).astype(np.int64), side - 1)
    for step in np.ndindex(3, 3):
        customer, slot = _neighbours(home_cells + np.array(step) - 1, side, starts)
        terminal = by_cell[slot]
        distance = np.hypot(*(homes[customer] - places[terminal]).T)
        near = distance <= radius
        pairs.append(np.stack([customer[near], terminal[near]]))
    customer, terminal = np.concatenate(pairs, axis=1)
    order = np.argsort(customer, kind="stable")
    return np.searchsorted(customer[order], np.arange(len(homes) + 1)), terminal[order]


def _neighbours(
    cells: NDArray[np.int64], side: int, starts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of a customer and a slot of the terminals by cell, for one cell a customer."""
    inside = np.flatnonzero(((cells >= 0) & (cells < side)).all(axis=1))
    cell = cells[inside, 0] * side + cells[inside, 1]
    first, size = starts[cell], starts[cell + 1] - starts[cell]
    within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    return np.repeat(inside, size), np.repeat(first, size) + within
