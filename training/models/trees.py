"""Binary trees of one depth as arrays, and their sum as TensorFlow operations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from training.models.tensorflow_quiet import tf


@dataclass(frozen=True)
class Trees:
    """T trees of depth 3, each node i with its children at 2i + 1 and 2i + 2.

    A row goes left where its column is at most the threshold. A branch that ends earlier repeats
    its leaf.

    Attributes:
        column: which column each node compares, int32 (T, 7).
        threshold: with what, float32 (T, 7).
        leaf: what each leaf adds to the logit, float32 (T, 8).
        start: the logit before any tree.
    """

    DEPTH: ClassVar[int] = 3

    column: NDArray[np.int32]
    threshold: NDArray[np.float32]
    leaf: NDArray[np.float32]
    start: float

    @classmethod
    def of(cls, booster: Any, edges: Sequence[NDArray[np.float32]]) -> "Trees":
        """The trees of a fitted `HistGradientBoostingClassifier` that splits ranks by edges.

        scikit-learn has no public form of its trees; `_predictors` is what skl2onnx reads, too.
        """
        nodes = 2**cls.DEPTH - 1
        grown = [stage[0].nodes for stage in booster._predictors]
        trees = cls(
            np.zeros((len(grown), nodes), np.int32),
            np.full((len(grown), nodes), np.inf, np.float32),
            np.zeros((len(grown), nodes + 1), np.float32),
            float(booster._baseline_prediction.ravel()[0]),
        )
        for place, tree in enumerate(grown):
            trees._copy(place, tree, 0, 0, edges)
        return trees

    def _copy(
        self,
        place: int,
        tree: NDArray[Any],
        node: int,
        at: int,
        edges: Sequence[NDArray[np.float32]],
    ) -> None:
        """Copies a node, and those below it, to position `at` of a tree."""
        inner = self.column.shape[1]
        if at >= inner:
            self.leaf[place, at - inner] = tree[node]["value"]
            return
        left = right = node
        if not tree[node]["is_leaf"]:
            column = int(tree[node]["feature_idx"])
            self.column[place, at] = column
            rank = int(np.floor(tree[node]["num_threshold"]))
            self.threshold[place, at] = edges[column][rank]
            left, right = int(tree[node]["left"]), int(tree[node]["right"])
        self._copy(place, tree, left, 2 * at + 1, edges)
        self._copy(place, tree, right, 2 * at + 2, edges)

    def logits(self, columns: Any) -> Any:
        """The sum over all trees (n,) for columns (n, g), a float32 tensor."""
        by_column = tf.transpose(columns)  # whole rows of it are gathered, which is a copy each

        def goes_left(node: int) -> Any:
            found = tf.gather(by_column, tf.constant(self.column[:, node]))
            return found <= tf.constant(self.threshold[:, node, None])

        def value(at: int) -> Any:
            inner = self.column.shape[1]
            if at >= inner:
                return tf.constant(self.leaf[:, at - inner, None])
            return tf.where(goes_left(at), value(2 * at + 1), value(2 * at + 2))

        return tf.reduce_sum(value(0), axis=0) + self.start
