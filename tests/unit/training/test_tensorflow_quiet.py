"""TensorFlow is loaded without Keras, and Keras is there when it is asked for."""

import json
import os
import subprocess
import sys

import pytest

from training.models.tensorflow_quiet import tf

_LOADED = """
import json, sys
import training.models.recommendation, training.golden, training.warmup
print(json.dumps([name for name in ("tensorflow", "keras") if name in sys.modules]))
"""


def test_training_loads_no_keras_that_it_does_not_need() -> None:
    argv = [sys.executable, "-c", _LOADED]
    ended = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout) == ["tensorflow"]
    assert ended.stderr == ""


def test_keras_is_there_when_it_is_asked_for() -> None:
    dense = tf.keras.layers.Dense(1, kernel_initializer="ones")
    assert dense(tf.constant([[1.0, 2.0]])).numpy().tolist() == [[3.0]]
    assert type(tf.keras.optimizers.get("adam")).__name__ == "Adam"


@pytest.mark.parametrize("module", ["binary", "remaining_life"])
def test_models_of_keras_load_it_without_a_word(module: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    argv = [sys.executable, "-c", f"from training.models.{module} import keras; keras.Input((1,))"]
    ended = subprocess.run(argv, capture_output=True, text=True, check=True, env=environment)
    assert ended.stdout + ended.stderr == ""
