"""Writes the suite's models and the configuration that a server has to serve them with.

    python -m tests.contract.conformance.models FOLDER

FOLDER then holds `models.config` and `monitoring.config`, for TensorFlow Serving and for the model
server here alike. They name FOLDER by its absolute path, so a container has to see it there.
"""

import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

v1 = tf.compat.v1
LABELS: Final = {"stable": 1, "canary": 2}
ECHOED: Final = ("float32", "float64", "int32", "int64", "uint8", "bool", "string")
PREDICT, CLASSIFY, REGRESS = (
    f"tensorflow/serving/{kind}" for kind in ("predict", "classify", "regress")
)
Tensors = Mapping[str, Any]


def write(folder: Path) -> None:
    """Writes all models and configuration files into a folder, replacing what it held of them."""
    for name, versions in _MODELS.items():
        shutil.rmtree(folder / name, ignore_errors=True)
        for version, build in versions.items():
            _save(build, folder / name / version)
    _add_default(folder / "tensors" / "1" / "saved_model.pb", "two", "b", [10.0])
    (folder / "models.config").write_text(config_text(folder))
    (folder / "monitoring.config").write_text("prometheus_config { enable: true }\n")


def config_text(folder: Path) -> str:
    """The ModelServerConfig of the suite's models, in text format."""
    entries = []
    for name in _MODELS:
        extra = ""
        if name == "scale":
            labels = [f'version_labels {{ key: "{k}" value: {v} }}' for k, v in LABELS.items()]
            extra = "model_version_policy { specific { versions: 1 versions: 2 } } "
            extra += " ".join(labels)
        base_path = folder.absolute() / name
        entries.append(
            f'  config {{ name: "{name}" base_path: "{base_path}" '
            f'model_platform: "tensorflow" {extra} }}\n'
        )
    return f"model_config_list {{\n{''.join(entries)}}}\n"


def publish(folder: Path, version: int, factor: float) -> None:
    """Publishes a version of the model `growing` by rename, as a trainer has to."""
    staged = folder / "staged"
    shutil.rmtree(staged, ignore_errors=True)
    _save(_scale(factor), staged)
    staged.rename(folder / "growing" / str(version))


def _signature(inputs: Tensors, outputs: Tensors, method_name: str = PREDICT) -> Any:
    infos = [
        {name: v1.saved_model.build_tensor_info(tensor) for name, tensor in tensors.items()}
        for tensors in (inputs, outputs)
    ]
    return v1.saved_model.build_signature_def(*infos, method_name=method_name)


def _save(build: Callable[[], Mapping[str, Any]], folder: Path) -> None:
    with tf.Graph().as_default(), v1.Session() as session:
        signatures = build()
        builder = v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(session, ["serve"], signature_def_map=signatures)
        builder.save()


def _scale(factor: float) -> Callable[[], Mapping[str, Any]]:
    def build() -> Mapping[str, Any]:
        x = v1.placeholder(tf.float32, (None,), "x")
        y = tf.multiply(x, tf.constant(factor), name="y")
        return {"serving_default": _signature({"x": x}, {"y": y})}

    return build


def _tensors() -> Mapping[str, Any]:
    """`serving_default` multiplies (n, 2) by a matrix; the others are named for what they do."""
    x = v1.placeholder(tf.float32, (None, 2), "x")
    y = tf.matmul(x, tf.ones((2, 1)), name="product")
    a, b = (v1.placeholder(tf.float32, (None,), name) for name in "ab")
    outputs = {"sum": tf.add(a, b, name="sum"), "difference": tf.subtract(a, b, name="difference")}
    signatures = {
        "serving_default": _signature({"x": x}, {"y": y}),
        "two": _signature({"a": a, "b": b}, outputs),
        "total": _signature({"x": x}, {"y": tf.reduce_sum(x, name="total")}),
        "uneven": _signature({"x": x}, {"rows": y, "columns": tf.transpose(x, name="columns")}),
        "odd_method": _signature({"x": x}, {"y": y}, "example/odd"),
    }
    for name in ECHOED:
        echoed = v1.placeholder(tf.as_dtype(name), None, f"in_{name}")
        signatures[name] = _signature({"x": echoed}, {"y": tf.identity(echoed, f"out_{name}")})
    text = v1.placeholder(tf.string, None, "in_bytes")
    signatures["bytes"] = _signature({"x": text}, {"y_bytes": tf.identity(text, "out_bytes")})
    return signatures


def _examples() -> Mapping[str, Any]:
    """Reads `x` of tf.Examples: scores x and 1 - x of the classes `yes` and `no`, value 2 x."""
    serialized = v1.placeholder(tf.string, (None,), "examples")
    features = {"x": tf.io.FixedLenFeature([1], tf.float32, [0.25])}
    x = tf.io.parse_example(serialized, features)["x"]
    scores = tf.concat([x, 1.0 - x], 1, name="scores")
    classes = tf.tile(tf.constant([["yes", "no"]]), [tf.shape(x)[0], 1], name="classes")
    value = tf.multiply(x, 2.0, name="value")
    both, inputs = {"classes": classes, "scores": scores}, {"inputs": serialized}
    return {
        "serving_default": _signature(inputs, both, CLASSIFY),
        "scores": _signature(inputs, {"scores": scores}, CLASSIFY),
        "classes": _signature(inputs, {"classes": classes}, CLASSIFY),
        "regress": _signature(inputs, {"outputs": value}, REGRESS),
        "wide": _signature(inputs, {"outputs": scores}, REGRESS),
        "predict": _signature({"examples": serialized}, {"value": value}),
    }


def _add_default(file: Path, signature: str, alias: str, value: list[float]) -> None:
    model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    defaults = model.meta_graphs[0].signature_def[signature].defaults
    defaults[alias].CopyFrom(tf.make_tensor_proto(np.array(value, np.float32)))
    file.write_bytes(model.SerializeToString())


_MODELS: Final[Mapping[str, Mapping[str, Callable[[], Mapping[str, Any]]]]] = {
    "scale": {"1": _scale(0.5), "0002": _scale(2.0)},
    "tensors": {"1": _tensors},
    "examples": {"1": _examples},
    "growing": {"1": _scale(1.0)},
}


def main(arguments: list[str]) -> int:
    """The command."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    folder = Path(arguments[0]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    write(folder)
    print(folder / "models.config")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
