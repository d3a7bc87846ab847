"""Remaining useful life by gradient-boosted trees, served as plain TensorFlow operations.

Labels are capped where the rule's are: before, nothing in the sensors tells how much is left.
Depth, leaves, shrinkage and the number of trees were chosen by cross-validation over the
training engines of C-MAPSS FD001 and FD002, whole engines held out, and stand fixed.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

# Read once, when TensorFlow is loaded: its start-up notes are not for whoever trains.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from training.dataset import Dataset
from training.models.fitted import FitOptions
from training.models.forest import Forest
from training.progress import OnProgress
from udfs.use_cases.contract import ModelSignature
from udfs.use_cases.maintenance import LONGEST_LIFE, REMAINING_LIFE

_DEPTH = 4
_TREES = 250
_LEARNING_RATE = 0.08
_LEAF_ROWS = 60
_COLUMNS_A_SPLIT = 0.3
_PENALTY = 1.0
_ROWS_AT_ONCE = 8_192


class RemainingLifeModel:
    """Trees whose sum is the remaining life, cut to 0 and the longest life.

    Attributes:
        threshold: None; what becomes an alarm is the alarm job's part.
        library_versions: of scikit-learn and TensorFlow.
    """

    def __init__(self, forest: Forest, width: int, signature: ModelSignature) -> None:
        self.threshold: float | None = None
        self.library_versions: Mapping[str, str] = {
            "scikit-learn": sklearn.__version__,
            "tensorflow": tf.__version__,
        }
        self._signature = signature
        self._spec = tf.TensorSpec((None, width), tf.float32, signature.input_name)

        def serve(features: Any) -> dict[str, Any]:
            left = tf.clip_by_value(forest.sums(features), 0.0, LONGEST_LIFE)
            return {REMAINING_LIFE.tensor: left}

        self._serve = tf.function(serve, input_signature=[self._spec])

    def outputs(self, features: NDArray[np.float32]) -> Mapping[str, NDArray[Any]]:
        """Remaining lives, (n,), for feature rows (n, f)."""
        found = [self._serve(tf.constant(rows))[REMAINING_LIFE.tensor] for rows in _parts(features)]
        return {REMAINING_LIFE.tensor: np.concatenate(found)}

    def save(self, folder: Path) -> None:
        """Writes a SavedModel that gives remaining lives for feature rows."""
        module = tf.Module()
        module.serve = self._serve
        signatures = {self._signature.signature_name: module.serve}
        tf.saved_model.save(module, str(folder), signatures=signatures)


def fit(
    train: Dataset,
    validation: Dataset,
    signature: ModelSignature,
    options: FitOptions,
    on_progress: OnProgress,
) -> RemainingLifeModel:
    """Trains on both parts: the number of trees is fixed, so nothing is left to validate."""
    both = Dataset.joined([train, validation])
    booster = grown(both.features, both.labels, options.seed)
    on_progress("fits", 1, 1)
    return RemainingLifeModel(Forest.of(booster), both.features.shape[1], signature)


def grown(features: NDArray[Any], lives: NDArray[Any], seed: int) -> Any:
    """Boosted trees for feature rows (n, f) and remaining lives in cycles (n,)."""
    booster = HistGradientBoostingRegressor(
        learning_rate=_LEARNING_RATE,
        max_iter=_TREES,
        max_depth=_DEPTH,
        max_leaf_nodes=2**_DEPTH,
        max_features=_COLUMNS_A_SPLIT,
        min_samples_leaf=_LEAF_ROWS,
        l2_regularization=_PENALTY,
        early_stopping=False,
        random_state=seed,
    )
    # Serving compares float32 values: what is trained on are the same.
    return booster.fit(features.astype(np.float32), np.minimum(lives, LONGEST_LIFE))


def _parts(features: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for start in range(0, max(len(features), 1), _ROWS_AT_ONCE):
        yield features[start : start + _ROWS_AT_ONCE]
