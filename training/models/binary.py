"""A model for any yes-or-no label: a small dense network over the features' logarithms.

What stands out does so by its ratio to a habit, such as a payment's amount to the customer's
mean. Differences of logarithms are ratios, so the first layer can form them.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset, require_both_labels
from training.evaluate import average_precision, best_f1_threshold
from training.models.fitted import FitOptions
from training.models.tensorflow_quiet import keras, tf
from training.progress import OnProgress
from udfs.use_cases.contract import DECISION, SCORE, ModelSignature

_BATCH = 2_048
_LEARNING_RATE = 3e-3
_PATIENCE = 4
_SCORE_ROWS = 65_536


class BinaryModel:
    """A trained network, its calibration and its threshold.

    Attributes:
        threshold: scores from here on are decided as true.
        library_versions: of TensorFlow and Keras.
    """

    def __init__(self, network: Any, positive_weight: float, signature: ModelSignature) -> None:
        self.threshold: float | None = 1.0
        self.library_versions: Mapping[str, str] = {
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        }
        self._network = network
        self._signature = signature
        # Positives weighed more than they are many: taking the weight back out of the odds makes
        # the score a probability again.
        self._surplus = float(np.log(positive_weight))
        spec = tf.TensorSpec((None, network.input_shape[1]), tf.float32, signature.input_name)
        self._forward = tf.function(
            lambda features: self._score_of(network(features, training=False)),
            input_signature=[spec],
        )

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of the label (n,) for feature rows (n, f)."""
        scores: NDArray[np.float32] = np.concatenate(
            [self._forward(tf.constant(rows)).numpy() for rows in _slices(features)]
        )
        return scores

    def outputs(self, features: NDArray[np.float32]) -> Mapping[str, NDArray[Any]]:
        """Scores and decisions, (n,) each, for feature rows (n, f)."""
        scores = self.score(features)
        return {SCORE.tensor: scores, DECISION.tensor: scores >= np.float32(self.threshold)}

    def save(self, folder: Path) -> None:
        """Writes a SavedModel that gives scores and decisions for feature rows."""
        threshold = tf.constant(self.threshold, tf.float32)
        names, network = self._signature, self._network
        module = tf.Module()
        # Copies of its own: a session, in which TensorFlow Serving runs the graph, does not
        # restore the variables that Keras tracks (Keras 3.15, TensorFlow 2.20).
        module.trained = [tf.Variable(value) for value in network.trainable_variables]
        module.fixed = [tf.Variable(value) for value in network.non_trainable_variables]

        def serve(features: Any) -> dict[str, Any]:
            logits, _ = network.stateless_call(module.trained, module.fixed, features)
            score = self._score_of(logits)
            return {SCORE.tensor: score, DECISION.tensor: score >= threshold}

        spec = tf.TensorSpec((None, network.input_shape[1]), tf.float32, names.input_name)
        module.serve = tf.function(serve, input_signature=[spec])
        tf.saved_model.save(module, str(folder), signatures={names.signature_name: module.serve})

    def _score_of(self, logits: Any) -> Any:
        return tf.sigmoid(logits[:, 0] - self._surplus)


def fit(
    train: Dataset,
    validation: Dataset,
    signature: ModelSignature,
    options: FitOptions,
    on_progress: OnProgress,
) -> BinaryModel:
    """Trains until the average precision on `validation` has stopped rising.

    Raises:
        DataError: training or validation has no positive label, or nothing else.
    """
    require_both_labels(train, validation)
    keras.utils.set_random_seed(options.seed)
    features = train.features.astype(np.float32)
    share = float(np.mean(train.labels))
    # Halfway, on the logarithmic scale, between all positives weighing as much as all others
    # and each weighing one: full weight ranks worse at the top, where alerts come from.
    weight = float(np.sqrt((1 - share) / share))
    network = _network(features, bias=np.log(weight * share / (1 - share)))
    model = BinaryModel(network, weight, signature)
    weights = np.where(train.labels, weight, 1.0).astype(np.float32)
    for epoch in _best_of(model, network, (features, train.labels, weights), validation, options):
        on_progress("epochs", epoch, options.epochs)
    scores = model.score(validation.features.astype(np.float32))
    model.threshold = best_f1_threshold(validation.labels, scores)
    return model


def _network(features: NDArray[np.float32], bias: float) -> Any:
    """An untrained network that starts from the share of positives; logits (n, 1)."""
    normalization = keras.layers.Normalization()
    normalization.adapt(np.sign(features) * np.log1p(np.abs(features)))
    inputs = keras.Input((features.shape[1],))
    logarithms = keras.ops.sign(inputs) * keras.ops.log1p(keras.ops.absolute(inputs))
    hidden = normalization(logarithms)
    for units in (64, 32):
        hidden = keras.layers.Dense(units, activation="relu")(hidden)
    start = keras.initializers.Constant(bias)
    network = keras.Model(inputs, keras.layers.Dense(1, bias_initializer=start)(hidden))
    network.compile(
        optimizer=keras.optimizers.Adam(_LEARNING_RATE),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
    )
    return network


def _best_of(
    model: BinaryModel,
    network: Any,
    examples: tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]],
    validation: Dataset,
    options: FitOptions,
) -> Iterator[int]:
    """Trains, yielding each epoch; the network ends with the weights of its best one."""
    features, labels, weights = examples
    held_out = validation.features.astype(np.float32)
    best, best_weights, best_epoch = -1.0, network.get_weights(), 0
    for epoch in range(1, options.epochs + 1):
        network.fit(features, labels, sample_weight=weights, batch_size=_BATCH, verbose=0)
        reached = average_precision(validation.labels, model.score(held_out))
        if reached > best:
            best, best_weights, best_epoch = reached, network.get_weights(), epoch
        yield epoch
        if epoch - best_epoch >= _PATIENCE:
            break
    network.set_weights(best_weights)


def _slices(features: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for start in range(0, max(len(features), 1), _SCORE_ROWS):
        yield features[start : start + _SCORE_ROWS]
