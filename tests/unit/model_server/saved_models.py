"""Small real SavedModels for tests."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

FEATURES = 15
WEIGHTS = np.linspace(-1.0, 1.0, FEATURES).astype(np.float32)
THRESHOLD = 0.5
ECHOED = ("float32", "float64", "float16", "int32", "int64", "uint8", "int8", "int16", "uint16")
ECHOED_TOO = ("uint32", "uint64", "bool", "complex64", "complex128", "string")


class _Fraud(tf.Module):
    """score = sigmoid(features @ WEIGHTS + bias), decision = score > THRESHOLD."""

    def __init__(self, bias: float) -> None:
        super().__init__()
        self.weights = tf.Variable(WEIGHTS)
        self.bias = tf.Variable(np.float32(bias))

    def serve(self, features: Any) -> dict[str, Any]:
        score = tf.sigmoid(tf.linalg.matvec(features, self.weights) + self.bias)
        return {"score": score, "decision": score > THRESHOLD}


def expected_scores(features: NDArray[np.float32], bias: float) -> NDArray[np.float32]:
    """What `fraud` answers, by numpy."""
    scores: NDArray[np.float32] = 1 / (1 + np.exp(-(features @ WEIGHTS + np.float32(bias))))
    return scores.astype(np.float32)


@cache
def fraud(bias: float = 0.0) -> Path:
    """A version directory of the fraud model; made once, to be copied."""
    module = _Fraud(bias)
    spec = tf.TensorSpec((None, FEATURES), tf.float32, name="features")
    return _saved(module, {"serving_default": tf.function(module.serve, input_signature=[spec])})


@cache
def number() -> Path:
    """A model of remaining lives: as many cycles as the first feature of the row says."""
    spec = tf.TensorSpec((None, None), tf.float32, name="features")
    return _answering(lambda features: {"remaining_life": features[:, 0]}, spec)


@cache
def ranking() -> Path:
    """A model of next items: 0 to 19, the same for every session."""

    def serve(session: Any) -> dict[str, Any]:
        shape = (tf.shape(session)[0], 20)
        items = tf.broadcast_to(tf.range(20, dtype=tf.int64), shape)
        return {"items": items, "scores": 1.0 / tf.cast(items + 1, tf.float32)}

    return _answering(serve, tf.TensorSpec((None, None), tf.int64, name="session"))


def publish(source: Path, base_path: Path, version: str) -> Path:
    """Puts a copy of a version directory under a base path, by rename."""
    base_path.mkdir(exist_ok=True, parents=True)
    staged = base_path / f".staged-{version}"
    shutil.copytree(source, staged)
    return staged.rename(base_path / version)


@cache
def echo() -> Path:
    """A model with a signature for each dtype, which answers `y` = `x`."""
    signatures = {}
    for name in ECHOED + ECHOED_TOO:
        spec = tf.TensorSpec(None, tf.as_dtype(name), name="x")
        signatures[name] = tf.function(lambda x: {"y": tf.identity(x)}, input_signature=[spec])
    return _saved(tf.Module(), signatures)


@cache
def odd() -> Path:
    """A model that is easy to ask wrongly: see the table of messages.

    `serving_default` multiplies x (n, 2) by a (2, 1) matrix; `two` adds a and b, where b may be
    left out; `steps` counts to n, slowly.
    """
    two = tf.TensorSpec((None, 2), tf.float32, name="x")
    one = [tf.TensorSpec((None,), tf.float32, name=name) for name in ("a", "b")]
    count = tf.TensorSpec((), tf.int32, name="n")
    signatures = {
        "serving_default": tf.function(
            lambda x: {"y": tf.matmul(x, tf.ones((2, 1)))}, input_signature=[two]
        ),
        "two": tf.function(lambda a, b: {"sum": a + b, "difference": a - b}, input_signature=one),
        "steps": tf.function(
            lambda n: {"n": tf.while_loop(lambda i: i < n, lambda i: (i + 1,), (0,))[0]},
            input_signature=[count],
        ),
    }
    folder = _saved(tf.Module(), signatures)
    _set_default(folder / "saved_model.pb", "two", "b", np.array([10.0], np.float32))
    return folder


@cache
def examples() -> Path:
    """A model over tf.Examples with a float feature x: signatures `classify`, `regress` (2 x), ...

    The others are for asking wrongly: `row` answers one row whatever came, `ints` answers
    integers, `bare` has another input name, `numbers` other output names.
    """
    text = [tf.TensorSpec((None,), tf.string, name="inputs")]
    other = [tf.TensorSpec((None,), tf.string, name="text")]

    def x(inputs: Any) -> Any:
        features = {"x": tf.io.FixedLenFeature((1,), tf.float32)}
        return tf.io.parse_example(inputs, features)["x"]

    def classify(inputs: Any) -> dict[str, Any]:
        value = x(inputs)
        labels = tf.tile(tf.constant([["no", "yes"]]), (tf.shape(value)[0], 1))
        return {"classes": labels, "scores": tf.concat([1 - value, value], 1)}

    functions = {
        "classify": (classify, text),
        "scores": (lambda inputs: {"scores": x(inputs)}, text),
        "regress": (lambda inputs: {"outputs": 2 * x(inputs)}, text),
        "row": (lambda inputs: {"outputs": tf.reduce_sum(x(inputs), 0)}, text),
        "ints": (lambda inputs: {"outputs": tf.cast(x(inputs), tf.int32)}, text),
        "bare": (lambda text: {"outputs": x(text)}, other),
        "numbers": (lambda inputs: {"y": x(inputs)}, text),
    }
    signatures = {
        name: tf.function(function, input_signature=spec)
        for name, (function, spec) in functions.items()
    }
    signatures["serving_default"] = signatures["classify"]
    return _saved(tf.Module(), signatures)


def _set_default(file: Path, signature: str, alias: str, value: NDArray[np.float32]) -> None:
    from tensorflow.core.protobuf import saved_model_pb2  # noqa: PLC0415

    model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    defaults = model.meta_graphs[0].signature_def[signature].defaults
    defaults[alias].CopyFrom(tf.make_tensor_proto(value))
    file.write_bytes(model.SerializeToString())


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="saved-models-")


def _answering(serve: Callable[[Any], dict[str, Any]], spec: Any) -> Path:
    function = tf.function(serve, input_signature=[spec])
    return _saved(tf.Module(), {"serving_default": function})


def _saved(module: Any, signatures: dict[str, Any]) -> Path:
    folder = Path(mkdtemp(dir=_folder().name))
    tf.saved_model.save(module, str(folder), signatures=signatures)
    return folder
