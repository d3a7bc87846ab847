"""Gradient-boosted trees for a yes-or-no label, served as plain TensorFlow operations.

scikit-learn grows the trees on ranks: where a value stands among quantiles of the positives and
quantiles of the others. Positives are few, and quantiles of all rows would hardly see what sets
them apart. Each split becomes a comparison with a value again, so the SavedModel needs no ranks.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from training.dataset import Dataset, require_both_labels
from training.models.fitted import FitOptions
from training.models.ranks import Ranks
from training.models.stages import best_stage, between_scores
from training.models.tensorflow_quiet import tf
from training.models.trees import Trees
from training.progress import OnProgress
from udfs.use_cases.contract import DECISION, SCORE, ModelSignature

_TREES_AN_EPOCH = 8
_LEARNING_RATE = 0.05
_LEAF_ROWS = 20
_PENALTY = 1.0
_SCORE_ROWS = 8_192

Expand = Callable[[Any], Any]
"""Feature rows (n, f) to rows (n, g) of the columns that trees split: tensors of float32.

Made of + - * / and comparisons only: those have one result in any batch, and a logarithm has not,
so that a row never changes its side of a split with its neighbours.
"""


class BoostedModel:
    """Trees over what `expand` makes of the features, and a threshold.

    Attributes:
        threshold: scores from here on are decided as true.
        library_versions: of scikit-learn and TensorFlow.
    """

    def __init__(self, trees: Trees, width: int, signature: ModelSignature, expand: Expand) -> None:
        self.threshold: float | None = 1.0
        self.library_versions: Mapping[str, str] = {
            "scikit-learn": sklearn.__version__,
            "tensorflow": tf.__version__,
        }
        self._signature = signature
        self._spec = tf.TensorSpec((None, width), tf.float32, signature.input_name)
        self._score: Callable[[Any], Any] = lambda rows: tf.sigmoid(trees.logits(expand(rows)))
        self._forward = tf.function(self._score, input_signature=[self._spec])

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of the label (n,) for feature rows (n, f)."""
        parts = [self._forward(tf.constant(rows)).numpy() for rows in _slices(features)]
        scores: NDArray[np.float32] = np.concatenate(parts)
        return scores

    def outputs(self, features: NDArray[np.float32]) -> Mapping[str, NDArray[Any]]:
        """Scores and decisions, (n,) each, for feature rows (n, f)."""
        scores = self.score(features)
        return {SCORE.tensor: scores, DECISION.tensor: scores >= np.float32(self.threshold)}

    def save(self, folder: Path) -> None:
        """Writes a SavedModel that gives scores and decisions for feature rows."""
        threshold = tf.constant(self.threshold, tf.float32)

        def serve(features: Any) -> dict[str, Any]:
            score = self._score(features)
            return {SCORE.tensor: score, DECISION.tensor: score >= threshold}

        module: Any = tf.Module()
        module.serve = tf.function(serve, input_signature=[self._spec])
        signatures = {self._signature.signature_name: module.serve}
        tf.saved_model.save(module, str(folder), signatures=signatures)


def fit(
    train: Dataset,
    validation: Dataset,
    signature: ModelSignature,
    options: FitOptions,
    on_progress: OnProgress,
    *,
    expand: Expand = lambda rows: rows,
) -> BoostedModel:
    """Grows trees on `train` until `validation` is predicted best, then as many on both.

    Eight trees at most count as an epoch. The threshold is that of the highest F1 on
    `validation`, by the trees that have not seen it.

    Raises:
        DataError: training or validation has no positive label, or nothing else.
    """
    require_both_labels(train, validation)
    most = _TREES_AN_EPOCH * options.epochs
    held_out = expanded(expand, validation)
    first, ranks = _grown(expanded(expand, train), train.labels, most, options.seed)
    on_progress("fits", 1, 2)
    count, scores = best_stage(first, ranks(held_out), validation.labels)
    both = np.concatenate([expanded(expand, train), held_out])
    labels = np.concatenate([train.labels, validation.labels])
    last, ranks = _grown(both, labels, count, options.seed)
    on_progress("fits", 2, 2)
    model = BoostedModel(Trees.of(last, ranks.edges), train.features.shape[1], signature, expand)
    model.threshold = between_scores(validation.labels, scores)
    return model


def expanded(expand: Expand, part: Dataset) -> NDArray[np.float32]:
    """The columns that trees split, (n, g), by the very operations that serving runs."""
    rows = part.features.astype(np.float32)
    parts = [expand(tf.constant(some)).numpy() for some in _slices(rows)]
    columns: NDArray[np.float32] = np.concatenate(parts)
    return columns


def _grown(
    columns: NDArray[np.float32], labels: NDArray[np.bool_], count: int, seed: int
) -> tuple[Any, Ranks]:
    ranks = Ranks.of(columns, labels)
    booster = HistGradientBoostingClassifier(
        learning_rate=_LEARNING_RATE,
        max_iter=count,
        max_depth=Trees.DEPTH,
        max_leaf_nodes=None,
        min_samples_leaf=_LEAF_ROWS,
        l2_regularization=_PENALTY,
        early_stopping=False,
        random_state=seed,
    )
    return booster.fit(ranks(columns), labels), ranks


def _slices(features: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for start in range(0, max(len(features), 1), _SCORE_ROWS):
        yield features[start : start + _SCORE_ROWS]
