"""Networks of three costs with the fraud signature: `python -m benchmarks.adaptive_models PATH`.

What a row costs is what matters here, not what a network learned.
"""

import sys
from typing import Any

import tensorflow as tf

WIDTHS = {"small": (32, 16), "medium": (512, 512), "large": (2048, 2048)}
"""Widths of the hidden layers, by cost."""

_INPUTS = 9


def export(path: str) -> None:
    """Writes a SavedModel of each cost as `<path>/<cost>/fraud/1`."""
    tf.keras.utils.set_random_seed(1)
    for cost, widths in WIDTHS.items():
        hidden = [tf.keras.layers.Dense(width, "relu") for width in widths]
        output = tf.keras.layers.Dense(1, "sigmoid")
        network = tf.keras.Sequential([tf.keras.Input((_INPUTS,)), *hidden, output])
        _write(network, f"{path}/{cost}/fraud/1")


def _write(network: Any, path: str) -> None:
    def serve(features: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"score": tf.squeeze(network(features), 1)}

    # Without the archive, Keras 3's variables stay unset in a session that loads the model.
    archive = tf.keras.export.ExportArchive()
    archive.track(network)
    spec = tf.TensorSpec((None, _INPUTS), tf.float32, "features")
    archive.add_endpoint("serving_default", serve, input_signature=[spec])
    archive.write_out(path, verbose=False)


if __name__ == "__main__":
    export(sys.argv[1])
