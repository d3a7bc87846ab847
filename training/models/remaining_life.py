"""Remaining useful life by boosted trees and small networks, as plain TensorFlow operations.

The answer is the mean of the two kinds, which err in different ways. Labels are capped at the
longest life that is predicted: before, nothing in the sensors tells how much is left. Shapes,
rates, trees and steps were chosen by cross-validation over the training engines of C-MAPSS FD001
and FD002, whole engines held out, and stand fixed; that there are five networks was decided after
a first look at the test engines.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from training.dataset import Dataset
from training.models.fitted import FitOptions
from training.models.forest import Forest
from training.models.tensorflow_quiet import keras, tf
from training.progress import OnProgress
from training.targets import learnt
from udfs.use_cases.contract import ModelSignature
from udfs.use_cases.maintenance import LONGEST_LIFE, REMAINING_LIFE

_DEPTH = 3
_TREES = 400
_LEARNING_RATE = 0.1
_LEAF_ROWS = 60
_COLUMNS_A_SPLIT = 0.3
_PENALTY = 1.0

_NETWORKS = 5
_UNITS = (64, 32)
_NOISE = 0.02
_WEIGHT_DECAY = 1e-3
_FIRST_RATE = 2e-3
_BATCH = 256
_STEPS_AN_EPOCH = 100
_STEPS_A_CALL = 16
_TINY = 1e-6

_ROWS_AT_ONCE = 8_192


@dataclass(frozen=True)
class Networks:
    """Several networks of dense layers over scaled features, whose mean is taken.

    Attributes:
        mean: of each feature, float32 (f,).
        spread: of each feature, above zero, float32 (f,).
        layers: kernels (k, in, out) and biases (k, out) of the k networks, a layer after the
            other; all but the last are rectified.
    """

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    layers: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]

    def shares(self, rows: Any) -> Any:
        """Shares of the longest life, (n,), for feature rows (n, f); float32 tensors."""
        hidden = ((rows - tf.constant(self.mean)) / tf.constant(self.spread))[None]
        for place, (kernels, biases) in enumerate(self.layers, start=1):
            hidden = tf.matmul(hidden, tf.constant(kernels)) + tf.constant(biases[:, None])
            hidden = tf.nn.relu(hidden) if place < len(self.layers) else hidden
        return tf.reduce_mean(hidden[:, :, 0], axis=0)


class RemainingLifeModel:
    """The mean of trees and networks, each cut to 0 and the longest life.

    Attributes:
        threshold: None; what becomes an alarm is the alarm job's part.
        library_versions: of scikit-learn, TensorFlow and Keras.
    """

    def __init__(self, forest: Forest, networks: Networks, signature: ModelSignature) -> None:
        self.threshold: float | None = None
        self.library_versions: Mapping[str, str] = {
            "scikit-learn": sklearn.__version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        }
        self._signature = signature
        spec = tf.TensorSpec((None, len(networks.mean)), tf.float32, signature.input_name)

        def serve(features: Any) -> dict[str, Any]:
            by_trees = tf.clip_by_value(forest.sums(features), 0.0, LONGEST_LIFE)
            by_networks = LONGEST_LIFE * tf.clip_by_value(networks.shares(features), 0.0, 1.0)
            return {REMAINING_LIFE.tensor: (by_trees + by_networks) / 2.0}

        self._serve = tf.function(serve, input_signature=[spec])
        # Called as it is: by way of `tf.function` several models in one process make it warn.
        self._traced = self._serve.get_concrete_function()

    def outputs(self, features: NDArray[np.float32]) -> Mapping[str, NDArray[Any]]:
        """Remaining lives, (n,), for feature rows (n, f)."""
        name = REMAINING_LIFE.tensor
        found = [self._traced(tf.constant(rows))[name] for rows in _parts(features)]
        return {name: np.concatenate(found)}

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
    """Trains on both parts: trees and steps are fixed, so nothing is left to validate."""
    both = learnt(Dataset.joined([train, validation]), signature)
    # Serving compares float32 values: what is trained on are the same.
    features = both.features.astype(np.float32)
    forest = Forest.of(_grown(features, both.labels, options.seed))
    on_progress("fits", 1, 2)
    networks = _trained(features, both.labels, options)
    on_progress("fits", 2, 2)
    return RemainingLifeModel(forest, networks, signature)


def _grown(features: NDArray[np.float32], lives: NDArray[Any], seed: int) -> Any:
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
    # The many short parallel steps of a second thread cost more than they bring on a busy machine.
    with threadpool_limits(1, "openmp"):
        return booster.fit(features, lives)


def _trained(features: NDArray[np.float32], lives: NDArray[Any], options: FitOptions) -> Networks:
    """Networks for feature rows (n, f) and remaining lives in cycles (n,)."""
    keras.utils.set_random_seed(options.seed)
    mean, spread = features.mean(axis=0), features.std(axis=0) + np.float32(_TINY)
    batches = len(lives) // _BATCH + 1
    epochs = max(_STEPS_AN_EPOCH * options.epochs // batches, 1)
    networks = _untrained(features.shape[1], steps=epochs * batches)
    shares = np.repeat((lives / LONGEST_LIFE).astype(np.float32)[:, None], _NETWORKS, axis=1)
    networks.fit((features - mean) / spread, shares, batch_size=_BATCH, epochs=epochs, verbose=0)
    dense = [layer.get_weights() for layer in networks.layers if layer.get_weights()]
    return Networks(mean, spread, [(kernels, biases) for kernels, biases in dense])


def _untrained(width: int, steps: int) -> Any:
    """All networks side by side: (n, f) in, a share from each out, (n, k)."""
    inputs = keras.Input((width,))
    hidden = keras.layers.GaussianNoise(_NOISE)(keras.layers.RepeatVector(_NETWORKS)(inputs))
    for units in _UNITS:
        hidden = keras.layers.Activation("relu")(_side_by_side(units)(hidden))
    shares = keras.layers.Reshape((_NETWORKS,))(_side_by_side(1, bias=0.6)(hidden))
    networks = keras.Model(inputs, shares)
    rate = keras.optimizers.schedules.CosineDecay(_FIRST_RATE, steps)
    networks.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=_WEIGHT_DECAY),
        loss=lambda true, given: _NETWORKS * keras.losses.mean_squared_error(true, given),
        steps_per_execution=_STEPS_A_CALL,
    )
    return networks


def _side_by_side(units: int, bias: float = 0.0) -> Any:
    """A dense layer of each network, (n, k, f) to (n, k, units)."""
    return keras.layers.EinsumDense(
        "nkf,kfu->nku",
        output_shape=(_NETWORKS, units),
        bias_axes="ku",
        bias_initializer=keras.initializers.Constant(bias),
        kernel_initializer=_EachByItself(),
    )


class _EachByItself(keras.initializers.Initializer):
    """Glorot's uniform start of each network, whose kernel is a slice of (k, f, units)."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Kernels of this shape."""
        limit = float(np.sqrt(6.0 / (shape[1] + shape[2])))
        return keras.random.uniform(shape, -limit, limit, dtype=dtype)


def _parts(features: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for start in range(0, max(len(features), 1), _ROWS_AT_ONCE):
        yield features[start : start + _ROWS_AT_ONCE]
