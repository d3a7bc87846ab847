"""How far predicted remaining lives are off, by the measures that the field publishes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset
from udfs.use_cases.maintenance import LONGEST_LIFE, REMAINING_LIFE

_EARLY_SCALE, _LATE_SCALE = 13.0, 10.0


def rmse(true: NDArray[Any], predicted: NDArray[Any]) -> float:
    """Root of the mean squared error.

    >>> rmse(np.array([10.0, 20.0]), np.array([13.0, 16.0]))
    3.5355339059327378
    """
    return float(np.sqrt(np.mean(np.square(predicted.astype(np.float64) - true))))


def phm_score(true: NDArray[Any], predicted: NDArray[Any]) -> float:
    """The score of the PHM 2008 challenge, summed: a late prediction costs more than an early one.

    exp(d / 10) - 1 for d cycles too many, exp(d / 13) - 1 for d cycles too few.

    >>> round(phm_score(np.array([50.0, 50.0]), np.array([60.0, 37.0])), 3)
    3.437
    """
    error = predicted.astype(np.float64) - true
    scale = np.where(error < 0, -_EARLY_SCALE, _LATE_SCALE)
    return float(np.sum(np.expm1(error / scale)))


def remaining_life(test: Dataset, outputs: Mapping[str, NDArray[Any]]) -> dict[str, float]:
    """All measures of `remaining_life` (n,) on n test rows whose labels are cycles left.

    Capped: of labels cut to the longest life that is predicted, 125 cycles. The PHM score is per
    row, so that parts of other sizes compare.
    """
    predicted = outputs[REMAINING_LIFE.tensor]
    capped = np.minimum(test.labels, LONGEST_LIFE)
    worn = test.labels <= LONGEST_LIFE
    error = predicted.astype(np.float64) - capped
    return {
        "rmse_capped": rmse(capped, predicted),
        "rmse_uncapped": rmse(test.labels, predicted),
        "mean_absolute_error": float(np.mean(np.abs(error))),
        "mean_error": float(np.mean(error)),
        "late_share": float(np.mean(error > 0)),
        "rmse_below_cap": rmse(test.labels[worn], predicted[worn]) if worn.any() else float("nan"),
        "phm_score_per_row": phm_score(capped, predicted) / len(predicted),
    }
