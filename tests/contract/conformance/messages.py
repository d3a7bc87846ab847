"""Requests by TensorFlow Serving's own classes, and replies as values to compare."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray
from tensorflow.core.example import example_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    input_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)


def spec(
    name: str = "tensors", signature: str = "", version: int | None = None, **more: Any
) -> Any:
    """A ModelSpec."""
    message = model_pb2.ModelSpec(name=name, signature_name=signature, **more)
    if version is not None:
        message.version.value = version
    return message


def predict(model_spec: Any, inputs: Mapping[str, NDArray[Any]], *only: str) -> Any:
    """A PredictRequest."""
    message = predict_pb2.PredictRequest(model_spec=model_spec, output_filter=only)
    for name, array in inputs.items():
        message.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    return message


def floats(values: ArrayLike) -> NDArray[np.float32]:
    """An array of float32."""
    return np.array(values, np.float32)


def predicted(reply: Any) -> object:
    """Name, version and signature of a PredictResponse, and its outputs as lists."""
    outputs = {name: tf.make_ndarray(tensor).tolist() for name, tensor in reply.outputs.items()}
    return (*named(reply.model_spec), outputs)


def named(model_spec: Any) -> tuple[str, int, str]:
    """Name, version and signature of a ModelSpec."""
    return model_spec.name, model_spec.version.value, model_spec.signature_name


def example(**features: float) -> Any:
    """A tf.Example of float features."""
    message = example_pb2.Example()
    for name, value in features.items():
        message.features.feature[name].float_list.value.append(value)
    return message


def examples(*listed: Any, context: Any = None) -> Any:
    """An Input."""
    if context is None:
        return input_pb2.Input(example_list={"examples": listed})
    return input_pb2.Input(example_list_with_context={"examples": listed, "context": context})


def classify(model_spec: Any, sent: Any = None) -> Any:
    """A ClassificationRequest."""
    return classification_pb2.ClassificationRequest(model_spec=model_spec, input=sent)


def regress(model_spec: Any, sent: Any = None) -> Any:
    """A RegressionRequest."""
    return regression_pb2.RegressionRequest(model_spec=model_spec, input=sent)


def classes(result: Any) -> list[list[tuple[str, float]]]:
    """Labels and scores of a ClassificationResult, by example."""
    return [[(one.label, one.score) for one in row.classes] for row in result.classifications]


def values(result: Any) -> list[float]:
    """The values of a RegressionResult."""
    return [regression.value for regression in result.regressions]


def multi_inference(tasks: Sequence[tuple[Any, str]], sent: Any) -> Any:
    """A MultiInferenceRequest."""
    listed = [inference_pb2.InferenceTask(model_spec=one, method_name=kind) for one, kind in tasks]
    return inference_pb2.MultiInferenceRequest(tasks=listed, input=sent)


def metadata(model_spec: Any, *fields: str) -> Any:
    """A GetModelMetadataRequest."""
    return get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec=model_spec, metadata_field=fields
    )


def status(model_spec: Any = None) -> Any:
    """A GetModelStatusRequest."""
    return get_model_status_pb2.GetModelStatusRequest(model_spec=model_spec)
