"""A network of the fraud signature with random weights: `python -m benchmarks.small_model PATH`.

Rates do not depend on what a network learned, and untrained it needs no history.
"""

import sys

import tensorflow as tf

_INPUTS = 9
_THRESHOLD = 0.5


def export(path: str) -> None:
    """Writes a SavedModel of an MLP 9-32-16-1 as version 1 below `path`."""
    tf.keras.utils.set_random_seed(1)
    network = tf.keras.Sequential(
        [
            tf.keras.Input((_INPUTS,)),
            tf.keras.layers.Normalization(
                mean=[100.0, 0.3, 0.3, 10.0, 70.0, 300.0, 100.0, 100.0, 100.0],
                variance=[3600.0, 0.2, 0.2, 25.0, 400.0, 1000.0, 3600.0, 3600.0, 3600.0],
            ),
            tf.keras.layers.Dense(32, "relu"),
            tf.keras.layers.Dense(16, "relu"),
            tf.keras.layers.Dense(1, "sigmoid"),
        ]
    )

    def serve(features: tf.Tensor) -> dict[str, tf.Tensor]:
        # Contestants with more features are scored by the same ones as the others.
        score = tf.squeeze(network(features[:, :_INPUTS]), 1)
        return {"score": score, "decision": score >= _THRESHOLD}

    spec = tf.TensorSpec((None, None), tf.float32, "features")
    # Without the archive, Keras 3's variables stay unset in a session that loads the model.
    archive = tf.keras.export.ExportArchive()
    archive.track(network)
    archive.add_endpoint("serving_default", serve, input_signature=[spec])
    archive.write_out(f"{path}/1", verbose=False)


if __name__ == "__main__":
    export(sys.argv[1])
