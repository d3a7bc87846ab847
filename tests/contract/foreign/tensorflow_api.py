"""tensorflow-serving-api's stubs against the model server; runs where that package is."""

import sys
from typing import Any

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from tests.contract.foreign import report

ADDRESS = sys.argv[1]
CHANNEL = grpc.insecure_channel(ADDRESS)
PREDICTION = prediction_service_pb2_grpc.PredictionServiceStub(CHANNEL)
MODEL = model_service_pb2_grpc.ModelServiceStub(CHANNEL)
SECONDS = 20


def named(request: Any, name: str, signature: str = "") -> Any:
    request.model_spec.name, request.model_spec.signature_name = name, signature
    return request


def with_example(request: Any) -> Any:
    example = request.input.example_list.examples.add()
    example.features.feature["x"].float_list.value.append(0.5)
    return request


def predict() -> object:
    request = named(predict_pb2.PredictRequest(), "scale")
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([1.0, 2.0], tf.float32))
    reply = PREDICTION.Predict(request, SECONDS)
    return reply.model_spec.version.value, tf.make_ndarray(reply.outputs["y"]).tolist()


def classify() -> object:
    request = with_example(named(classification_pb2.ClassificationRequest(), "examples"))
    (row,) = PREDICTION.Classify(request, SECONDS).result.classifications
    return [(one.label, one.score) for one in row.classes]


def regress() -> object:
    request = with_example(named(regression_pb2.RegressionRequest(), "examples", "regress"))
    return [one.value for one in PREDICTION.Regress(request, SECONDS).result.regressions]


def multi_inference() -> object:
    request = with_example(inference_pb2.MultiInferenceRequest())
    task = request.tasks.add(method_name="tensorflow/serving/regress")
    named(task, "examples", "regress")
    (result,) = PREDICTION.MultiInference(request, SECONDS).results
    return [one.value for one in result.regression_result.regressions]


def metadata() -> object:
    request = named(get_model_metadata_pb2.GetModelMetadataRequest(), "scale")
    request.metadata_field.append("signature_def")
    packed = PREDICTION.GetModelMetadata(request, SECONDS).metadata["signature_def"]
    signatures = get_model_metadata_pb2.SignatureDefMap()
    packed.Unpack(signatures)
    return list(signatures.signature_def)


def status() -> object:
    request = named(get_model_status_pb2.GetModelStatusRequest(), "scale")
    reply = MODEL.GetModelStatus(request, SECONDS)
    return [(one.version, one.State.Name(one.state)) for one in reply.model_version_status]


def unknown_model() -> object:
    try:
        PREDICTION.Predict(named(predict_pb2.PredictRequest(), "m"), SECONDS)
    except grpc.RpcError as error:
        ended: Any = error
        return ended.code().name, ended.details()
    return None


def refused_reload() -> object:
    try:
        MODEL.HandleReloadConfigRequest(model_management_pb2.ReloadConfigRequest(), SECONDS)
    except grpc.RpcError as error:
        ended: Any = error
        return ended.code().name
    return None


CHECKS = {
    "Predict": predict,
    "Classify": classify,
    "Regress": regress,
    "MultiInference": multi_inference,
    "GetModelMetadata": metadata,
    "GetModelStatus": status,
    "unknown model": unknown_model,
    "reload of nothing": refused_reload,
}
EXPECTED: dict[str, object] = {
    "Predict": (2, [2.0, 4.0]),
    "Classify": [("yes", 0.5), ("no", 0.5)],
    "Regress": [1.0],
    "MultiInference": [1.0],
    "GetModelMetadata": ["serving_default"],
    "GetModelStatus": [(2, "AVAILABLE"), (1, "AVAILABLE")],
    "unknown model": ("NOT_FOUND", "Servable not found for request: Latest(m)"),
    "reload of nothing": "INVALID_ARGUMENT",
}

if __name__ == "__main__":
    sys.exit(report.run(CHECKS, EXPECTED))
