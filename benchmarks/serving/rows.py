"""The rows that everybody is asked for, and what says that the answers are right."""

import numpy as np
from numpy.typing import NDArray

SIZES = (1, 64, 1024)


def features(rows: int, width: int) -> NDArray[np.float32]:
    """Feature rows (rows, width), the same at each call."""
    generator = np.random.default_rng(3)
    usual = np.resize([100.0, 0.3, 0.3, 10.0, 70.0, 300.0, 100.0, 100.0, 100.0], width)
    made: NDArray[np.float32] = (usual * (0.5 + generator.random((rows, width)))).astype(np.float32)
    return made


def checksum(scores: NDArray[np.float32]) -> float:
    """One number for the scores of these rows."""
    return float(scores.astype(np.float64).mean())
