"""A made-up data set of the maintenance use case whose labels follow from two columns."""

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset
from udfs.use_cases.maintenance import SPEC


def rows(count: int, seed: int, columns: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, columns)).astype(np.float32)


def wear(features: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(100 + 40 * np.sin(2 * features[:, 0]) + 20 * features[:, 1] ** 2, np.float64)


def life_data(seed: int, count: int = 3_000) -> Dataset:
    features = rows(count, seed, len(SPEC.names))
    labels = np.maximum(wear(features), 0).astype(np.float32)
    numbers = np.arange(count)
    return Dataset(features.astype(np.float64), labels, numbers, numbers // 100, numbers)
