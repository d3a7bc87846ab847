"""What reports compute beside the evaluation: drift, calibration, importance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]

_BINS = 10
_SMALLEST_SHARE = 1e-4
SHIFTED = 0.2
"""A population stability index from here on is commonly called a shift."""


def stability_index(before: Values, after: Values) -> float:
    """The population stability index of two samples of one number.

    The sum over bins of (share after - share before) * ln(share after / share before). The bins
    are the deciles of `before`; a value that fills several deciles has one bin of its own. Empty
    bins count as one row in ten thousand.

    >>> rng = np.random.default_rng(1)
    >>> one, same, other = rng.normal(0, 1, 5_000), rng.normal(0, 1, 5_000), rng.normal(1, 1, 5_000)
    >>> round(stability_index(one, same), 1), stability_index(one, other) > 0.5
    (0.0, True)
    """
    before, after = before.astype(np.float64), after.astype(np.float64)
    edges = np.unique(np.quantile(before, np.linspace(0, 1, _BINS + 1)[1:-1]))
    shares = []
    for values in (before, after):
        # Twice the place, and one more above an edge: a value on an edge is apart from both sides.
        places = np.searchsorted(edges, values) + np.searchsorted(edges, values, side="right")
        counts = np.bincount(places, minlength=2 * len(edges) + 1)
        shares.append(np.maximum(counts / len(values), _SMALLEST_SHARE))
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


@dataclass(frozen=True)
class Calibration:
    """Rows by their score, in bins that hold some.

    Attributes:
        rows: in each bin, int64 (b,).
        predicted: mean score, (b,).
        observed: share of positives, (b,).
    """

    rows: NDArray[np.int64]
    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]

    @property
    def error(self) -> float:
        """Expected calibration error: the mean distance of both, by rows."""
        return float(np.average(np.abs(self.predicted - self.observed), weights=self.rows))


def calibration(labels: NDArray[np.bool_], scores: Values, edges: Sequence[float]) -> Calibration:
    """Scores against what happened, in bins [edge, next edge)."""
    places = np.searchsorted(np.array(edges), scores, side="right")
    size = len(edges) + 1
    rows = np.bincount(places, minlength=size)
    held = rows > 0
    predicted = np.bincount(places, scores, size)[held] / rows[held]
    observed = np.bincount(places, labels, size)[held] / rows[held]
    return Calibration(rows[held], predicted, observed)


def permutation_importance(
    measure: Callable[[Values], float], features: Values, *, repeats: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far a measure falls when one feature is shuffled among the rows.

    Args:
        measure: of feature rows (n, f); higher is better.
        features: the rows, (n, f).
        repeats: shuffles of each feature.
        seed: of the shuffles.

    Returns:
        Mean fall and its standard deviation over the shuffles, (f,) each.
    """
    rng = np.random.default_rng(seed)
    whole = measure(features)
    falls = np.empty((features.shape[1], repeats))
    for feature in range(features.shape[1]):
        for repeat in range(repeats):
            shuffled = features.copy()
            shuffled[:, feature] = rng.permutation(shuffled[:, feature])
            falls[feature, repeat] = whole - measure(shuffled)
    return falls.mean(axis=1), falls.std(axis=1)
