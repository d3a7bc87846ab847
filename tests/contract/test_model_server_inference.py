"""Classify, Regress and MultiInference, through TensorFlow Serving's own stubs.

Expectations are from tensorflow/serving at 9d981c5: `servables/tensorflow/classifier.cc`,
`regressor.cc`, `multi_inference.cc`, `util.cc`; parsing errors are TensorFlow 2.20's own.
"""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    input_pb2,
    model_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from tests.unit.model_server import saved_models
from tests.unit.model_server.running_server import ServerProcess, flags_for, running

DEADLINE_S = 20.0
C = grpc.StatusCode


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of the model `examples`, version 2."""
    folder = tmp_path_factory.mktemp("models")
    saved_models.publish(saved_models.examples(), folder / "m", "2")
    with running(folder / "log", *flags_for("m", folder / "m")) as process:
        yield process


def example(**features: float) -> Any:
    made = tf.train.Example()
    for name, value in features.items():
        made.features.feature[name].float_list.value.append(value)
    return made


def inputs(*examples: Any) -> Any:
    return input_pb2.Input(example_list=input_pb2.ExampleList(examples=examples))


def spec(signature: str = "", name: str = "m", version: int | None = None) -> Any:
    made = model_pb2.ModelSpec(name=name, signature_name=signature)
    if version is not None:
        made.version.value = version
    return made


def classification(signature: str = "", *examples: Any, **fields: Any) -> Any:
    return classification_pb2.ClassificationRequest(
        model_spec=spec(signature, **fields), input=inputs(*examples)
    )


def regression(signature: str, *examples: Any) -> Any:
    return regression_pb2.RegressionRequest(model_spec=spec(signature), input=inputs(*examples))


def several(*tasks: tuple[str, str], name: str = "m") -> Any:
    request = inference_pb2.MultiInferenceRequest(input=inputs(example(x=0.25)))
    for signature, kind in tasks:
        request.tasks.add(
            model_spec=spec(signature, name), method_name=f"tensorflow/serving/{kind}"
        )
    return request


def called(server: ServerProcess, method: str, request: Any) -> Any:
    """The reply, or code and message."""
    with grpc.insecure_channel(server.target) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        try:
            return getattr(stub, method)(request, timeout=DEADLINE_S)
        except grpc.RpcError as error:
            failed: Any = error
            return failed.code(), failed.details()


def expected_classes(*rows: tuple[float, float]) -> Any:
    result = classification_pb2.ClassificationResult()
    for no, yes in rows:
        item = result.classifications.add()
        item.classes.add(label="no", score=no)
        item.classes.add(label="yes", score=yes)
    return result


def test_classify_answers_labels_and_scores(server: ServerProcess) -> None:
    reply = called(server, "Classify", classification("", example(x=0.25), example(x=1.0)))
    assert reply == classification_pb2.ClassificationResponse(
        model_spec=spec("serving_default", version=2), result=expected_classes((0.75, 0.25), (0, 1))
    )


def test_classify_without_labels_answers_scores(server: ServerProcess) -> None:
    reply = called(server, "Classify", classification("scores", example(x=0.5)))
    (row,) = reply.result.classifications
    assert [(each.label, each.score) for each in row.classes] == [("", 0.5)]


def test_context_goes_before_each_example(server: ServerProcess) -> None:
    request = classification()
    request.input.example_list_with_context.examples.add()
    request.input.example_list_with_context.examples.append(example(x=1.0))
    request.input.example_list_with_context.context.CopyFrom(example(x=0.25))
    reply = called(server, "Classify", request)
    # What an example says itself goes before its context.
    assert reply.result == expected_classes((0.75, 0.25), (0, 1))


def test_regress_answers_a_value_for_each_example(server: ServerProcess) -> None:
    reply = called(server, "Regress", regression("regress", example(x=1.5), example(x=-1)))
    expected = regression_pb2.RegressionResponse(model_spec=spec("regress", version=2))
    for value in (3.0, -2.0):
        expected.result.regressions.add(value=value)
    assert reply == expected


def test_multi_inference_runs_signatures_together(server: ServerProcess) -> None:
    reply = called(server, "MultiInference", several(("", "classify"), ("regress", "regress")))
    expected = inference_pb2.MultiInferenceResponse()
    expected.results.add(
        model_spec=spec("serving_default", version=2),
        classification_result=expected_classes((0.75, 0.25)),
    )
    result = expected.results.add(model_spec=spec("regress", version=2))
    result.regression_result.regressions.add(value=0.5)
    assert reply == expected


_ONE = example(x=1.0)
FAILURES: dict[str, tuple[str, Any, grpc.StatusCode, str]] = {
    "no spec": (
        "Classify",
        classification_pb2.ClassificationRequest(input=inputs(_ONE)),
        C.INVALID_ARGUMENT,
        "Missing ModelSpec",
    ),
    "unknown model": (
        "Classify",
        classification("", _ONE, name="n"),
        C.NOT_FOUND,
        "Servable not found for request: Latest(n)",
    ),
    "no examples": ("Classify", classification(), C.INVALID_ARGUMENT, "Input is empty."),
    "classify: unknown signature": (
        "Classify",
        classification("s", _ONE),
        C.INVALID_ARGUMENT,
        "No signature was found with the name: s",
    ),
    "regress: unknown signature": (
        "Regress",
        regression("s", _ONE),
        C.INVALID_ARGUMENT,
        "No signature was found with the name: s",
    ),
    "classify: outputs of a regression": (
        "Classify",
        classification("regress", _ONE),
        C.INVALID_ARGUMENT,
        "Expected classification signature outputs to contain at least one of "
        '"classes" or "scores". Signature was: inputs {\n  key: "inputs"\n',
    ),
    "classify: another input": (
        "Classify",
        classification("bare", _ONE),
        C.INVALID_ARGUMENT,
        'No classification inputs found in SignatureDef: inputs {\n  key: "text"\n',
    ),
    "regress: too many outputs": (
        "Regress",
        regression("classify", _ONE),
        C.INVALID_ARGUMENT,
        "Expected one output Tensor.",
    ),
    "regress: another output": (
        "Regress",
        regression("numbers", _ONE),
        C.INVALID_ARGUMENT,
        "No regression outputs found in SignatureDef: ",
    ),
    "regress: rows": (
        "Regress",
        regression("row", _ONE, _ONE),
        C.INVALID_ARGUMENT,
        "Input batch size did not match output batch size: 2 vs. 1",
    ),
    "regress: type": (
        "Regress",
        regression("ints", _ONE),
        C.INVALID_ARGUMENT,
        "Expected output Tensor of DT_FLOAT.  Got: DT_INT32",
    ),
    "example without the feature": (
        "Classify",
        classification("", example(y=1.0)),
        C.INVALID_ARGUMENT,
        "Feature: x (data type: float) is required but could not be found.",
    ),
    "several: no task": (
        "MultiInference",
        several(),
        C.INVALID_ARGUMENT,
        "ModelSpec has no name specified.",
    ),
    "several: unknown signature": (
        "MultiInference",
        several(("s", "classify")),
        C.INVALID_ARGUMENT,
        "Requested signature not found in model graph: s",
    ),
    "several: a signature twice": (
        "MultiInference",
        several(("", "classify"), ("serving_default", "classify")),
        C.INVALID_ARGUMENT,
        "Duplicate evaluation of signature: serving_default",
    ),
    "several: another method": (
        "MultiInference",
        several(("", "predict")),
        C.UNIMPLEMENTED,
        "Unsupported signature method_name: tensorflow/serving/predict",
    ),
}


@pytest.mark.parametrize("case", FAILURES.values(), ids=FAILURES.keys())
def test_inference_fails_as_tensorflow_serving_does(
    server: ServerProcess, case: tuple[str, Any, grpc.StatusCode, str]
) -> None:
    method, request, code, message = case
    found, said = called(server, method, request)
    assert found is code
    # The runtime puts the node before its message, a signature's description comes after.
    assert message in said


def test_several_models_at_once_are_refused(server: ServerProcess) -> None:
    request = several(("", "classify"), ("regress", "regress"))
    request.tasks[1].model_spec.name = "n"
    assert called(server, "MultiInference", request) == (
        C.INVALID_ARGUMENT,
        "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
    )
