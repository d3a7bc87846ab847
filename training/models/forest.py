"""Trees of scikit-learn's gradient boosting as TensorFlow operations, exact to float32."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.models.tensorflow_quiet import tf


@dataclass(frozen=True)
class Forest:
    """T trees of one depth d, each node i with its children at 2i + 1 and 2i + 2.

    A row goes left where its column is at most the threshold. A branch that ends earlier repeats
    its leaf. Whole trees cost a select a node for all rows at once, and no lookup a row.

    Attributes:
        column: which column each node compares, int32 (T, 2^d - 1).
        threshold: with what, float32 (T, 2^d - 1).
        leaf: what each leaf adds, float32 (T, 2^d).
        start: the sum before any tree.
    """

    column: NDArray[np.int32]
    threshold: NDArray[np.float32]
    leaf: NDArray[np.float32]
    start: float

    @classmethod
    def of(cls, booster: Any) -> "Forest":
        """The trees of a fitted `HistGradientBoostingRegressor` that was fed float32 values.

        scikit-learn has no public form of its trees; `_predictors` is what skl2onnx reads, too.
        """
        grown = [stage[0].nodes for stage in booster._predictors]
        inner = 2 ** max(int(nodes["depth"].max()) for nodes in grown) - 1
        forest = cls(
            np.zeros((len(grown), inner), np.int32),
            np.full((len(grown), inner), np.inf, np.float32),
            np.zeros((len(grown), inner + 1), np.float32),
            float(np.ravel(booster._baseline_prediction)[0]),
        )
        for tree, nodes in enumerate(grown):
            forest._copy(tree, nodes, node=0, at=0)
        return forest

    def _copy(self, tree: int, nodes: NDArray[Any], node: int, at: int) -> None:
        """Copies a node of a tree, and those below it, to position `at`."""
        inner = self.column.shape[1]
        if at >= inner:
            self.leaf[tree, at - inner] = nodes[node]["value"]
            return
        left = right = node
        if not nodes[node]["is_leaf"]:
            self.column[tree, at] = nodes[node]["feature_idx"]
            self.threshold[tree, at] = _at_most(float(nodes[node]["num_threshold"]))
            left, right = int(nodes[node]["left"]), int(nodes[node]["right"])
        self._copy(tree, nodes, left, 2 * at + 1)
        self._copy(tree, nodes, right, 2 * at + 2)

    def sums(self, rows: Any) -> Any:
        """The sum over all trees, (n,), of feature rows (n, f); float32 tensors."""
        by_column = tf.transpose(rows)  # whole rows of it are gathered, which is a copy each
        inner = self.column.shape[1]

        def value(at: int) -> Any:
            if at >= inner:
                return tf.constant(self.leaf[:, at - inner, None])
            found = tf.gather(by_column, tf.constant(self.column[:, at]))
            left = found <= tf.constant(self.threshold[:, at, None])
            return tf.where(left, value(2 * at + 1), value(2 * at + 2))

        return tf.reduce_sum(value(0), axis=0) + self.start


def _at_most(threshold: float) -> np.float32:
    """The largest float32 that is not above: the same float32 values lie on its left.

    >>> float(_at_most(0.1)), float(_at_most(0.5))
    (0.09999999403953552, 0.5)
    """
    rounded = np.float32(threshold)
    if float(rounded) > threshold:
        rounded = np.nextafter(rounded, np.float32(-np.inf))
    return rounded
