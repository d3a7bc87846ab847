"""What the server says, through TensorFlow Serving's own stubs.

Expectations are from tensorflow/serving at 9d981c5: `servables/tensorflow/predict_util.cc`,
`predict_impl.cc`, `model_servers/server_core.cc`, `get_model_status_impl.cc`,
`core/basic_manager.cc`; the messages of the runtime are TensorFlow 2.20's own.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tests.unit.model_server import saved_models
from tests.unit.model_server.running_server import ServerProcess, running
from udfs.client.outcomes import Answer
from udfs.client.predict import PredictionClient

DEADLINE_S = 20.0
C = grpc.StatusCode
X = np.ones((1, 2), np.float32)
A = np.ones(2, np.float32)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of the models fraud (version 3), odd and echo."""
    folder = tmp_path_factory.mktemp("models")
    saved_models.publish(saved_models.fraud(), folder / "fraud", "0003")
    saved_models.publish(saved_models.odd(), folder / "odd", "1")
    saved_models.publish(saved_models.echo(), folder / "echo", "1")
    with running(folder / "log", f"--model_config_file={config_file(folder)}") as process:
        yield process


def config_file(folder: Path) -> Path:
    configs = [
        f'config {{ name: "{name}" base_path: "{folder / name}" model_platform: "tensorflow" }}'
        for name in ("fraud", "odd", "echo")
    ]
    file = folder / "models.config"
    file.write_text(f"model_config_list {{ {' '.join(configs)} }}")
    return file


def spec(name: str = "odd", **fields: Any) -> Any:
    version = fields.pop("version", None)
    message = model_pb2.ModelSpec(name=name, **fields)
    if version is not None:
        message.version.value = version
    return message


def request(model_spec: Any = None, *only: str, **inputs: NDArray[Any]) -> Any:
    message = predict_pb2.PredictRequest(model_spec=model_spec, output_filter=only)
    for name, array in inputs.items():
        message.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    return message


def broken_tensor() -> Any:
    message = request(spec(), x=np.ones((2, 2), np.float32))
    message.inputs["x"].tensor_content = b"\x00" * 7
    return message


def two(*only: str, **inputs: NDArray[Any]) -> Any:
    return request(spec(signature_name="two"), *only, **inputs)


_NONE_SENT = (
    "input size does not match signature: 0!=1 len({}) != len({x}). "
    "Sent extra: {}. Missing but required: {x}."
)
_ONE_MORE = (
    "input size does not match signature: 2!=1 len({x,z}) != len({x}). "
    "Sent extra: {z}. Missing but required: {}."
)
_NO_DEFAULT = (
    "Signature input alias: a(feed name: two_a:0) not found in request and no default value "
    "provided. Inputs expected to be in the request {b}, or default input alias set: b"
)
_FILTER = (
    "output tensor alias not found in signature: z Outputs expected to be in the set "
    "{difference,sum}."
)
_LONG = "s" * 2000
PREDICT: dict[str, tuple[Any, grpc.StatusCode, str]] = {
    "no spec": (request(), C.INVALID_ARGUMENT, "Missing ModelSpec"),
    "no name": (request(spec("")), C.INVALID_ARGUMENT, "ModelSpec has no name specified."),
    "unknown model": (
        request(spec("m")),
        C.NOT_FOUND,
        "Servable not found for request: Latest(m)",
    ),
    "unknown version": (
        request(spec(version=7)),
        C.NOT_FOUND,
        "Servable not found for request: Specific(odd, 7)",
    ),
    "unknown version of unknown model": (
        request(spec("m", version=7)),
        C.NOT_FOUND,
        "Servable not found for request: Specific(m, 7)",
    ),
    "unknown label": (
        request(spec(version_label="x")),
        C.INVALID_ARGUMENT,
        "Unrecognized servable version label: x",
    ),
    "unknown signature": (
        request(spec(signature_name="s")),
        C.FAILED_PRECONDITION,
        'Serving signature key "s" not found.',
    ),
    "missing input": (request(spec()), C.INVALID_ARGUMENT, _NONE_SENT),
    "extra input": (request(spec(), x=X, z=X), C.INVALID_ARGUMENT, _ONE_MORE),
    "missing input without default": (two(b=A), C.INVALID_ARGUMENT, _NO_DEFAULT),
    "misnamed input beside a default": (
        two(a=A, q=A),
        C.INVALID_ARGUMENT,
        "Inputs contains invalid name. Used request inputs: a, request input: a,q",
    ),
    "wrong dtype": (
        request(spec(), x=np.ones((1, 2))),
        C.INVALID_ARGUMENT,
        "Expects arg[0] to be float but double is provided",
    ),
    "wrong inner dimension": (
        request(spec(), x=np.ones((1, 3), np.float32)),
        C.INVALID_ARGUMENT,
        "Matrix size-incompatible: In[0]: [1,3], In[1]: [2,1]\n\t "
        "[[{{node PartitionedCall/PartitionedCall/MatMul}}]]",
    ),
    "undecodable tensor": (broken_tensor(), C.INVALID_ARGUMENT, "tensor parsing error: x"),
    "unknown output": (
        two("sum", "z", a=A, b=A),
        C.INVALID_ARGUMENT,
        _FILTER,
    ),
    "output twice": (
        two("sum", "sum", a=A, b=A),
        C.INVALID_ARGUMENT,
        "duplicate output tensor alias: sum",
    ),
    "long message": (
        request(spec(signature_name=_LONG)),
        C.FAILED_PRECONDITION,
        f'Serving signature key "{_LONG}" not found.'[:1024] + "...TRUNCATED",
    ),
}


def ended(stub: type[Any], method: str, target: str, message: Any) -> tuple[Any, str]:
    """Status and message of a call that fails."""
    with grpc.insecure_channel(target) as channel, pytest.raises(grpc.RpcError) as error:
        getattr(stub(channel), method)(message, timeout=DEADLINE_S)
    call: Any = error.value
    return call.code(), call.details()


def done(stub: type[Any], method: str, target: str, message: Any) -> Any:
    """The reply to a call."""
    with grpc.insecure_channel(target) as channel:
        return getattr(stub(channel), method)(message, timeout=DEADLINE_S)


PREDICTION = prediction_service_pb2_grpc.PredictionServiceStub
MODEL = model_service_pb2_grpc.ModelServiceStub


@pytest.mark.parametrize("case", PREDICT.values(), ids=PREDICT.keys())
def test_predict_fails_as_tensorflow_serving_does(
    server: ServerProcess, case: tuple[Any, grpc.StatusCode, str]
) -> None:
    message, code, details = case
    found, said = ended(PREDICTION, "Predict", server.target, message)
    assert (found, said) == (code, details)


def status_request(*arguments: Any, **fields: Any) -> Any:
    return get_model_status_pb2.GetModelStatusRequest(model_spec=spec(*arguments, **fields))


@pytest.mark.parametrize(
    ("message", "code", "details"),
    [
        pytest.param(
            get_model_status_pb2.GetModelStatusRequest(),
            C.INVALID_ARGUMENT,
            "Missing ModelSpec",
            id="no spec",
        ),
        pytest.param(
            status_request("m"), C.NOT_FOUND, "Could not find any versions of model m", id="model"
        ),
        pytest.param(
            status_request("odd", version=7),
            C.NOT_FOUND,
            "Could not find version 7 of model odd",
            id="version",
        ),
    ],
)
def test_status_fails_as_tensorflow_serving_does(
    server: ServerProcess, message: Any, code: grpc.StatusCode, details: str
) -> None:
    assert ended(MODEL, "GetModelStatus", server.target, message) == (code, details)


def metadata_request(model_spec: Any, *fields: str) -> Any:
    return get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec=model_spec, metadata_field=fields
    )


@pytest.mark.parametrize(
    ("message", "code", "details"),
    [
        pytest.param(
            metadata_request(None, "signature_def"),
            C.INVALID_ARGUMENT,
            "Missing ModelSpec",
            id="no spec",
        ),
        pytest.param(
            metadata_request(spec()),
            C.INVALID_ARGUMENT,
            "GetModelMetadataRequest must specify at least one metadata_field",
            id="no field",
        ),
        pytest.param(
            metadata_request(spec("m"), "signature_def"),
            C.NOT_FOUND,
            "Servable not found for request: Latest(m)",
            id="unknown model",
        ),
    ],
)
def test_metadata_fails_as_tensorflow_serving_does(
    server: ServerProcess, message: Any, code: grpc.StatusCode, details: str
) -> None:
    assert ended(PREDICTION, "GetModelMetadata", server.target, message) == (code, details)


def test_reply_names_the_version_and_the_signature_that_ran(server: ServerProcess) -> None:
    features = np.ones((2, saved_models.FEATURES), np.float32)
    message = request(spec("fraud"), features=features)
    reply = done(PREDICTION, "Predict", server.target, message)
    assert reply.model_spec == spec("fraud", version=3, signature_name="serving_default")


def test_outputs_are_in_the_typed_fields(server: ServerProcess) -> None:
    message = two("sum", a=A, b=A)
    outputs = done(PREDICTION, "Predict", server.target, message).outputs
    expected = tf.make_tensor_proto([0.0], tf.float32)
    assert set(outputs) == {"sum"}
    assert (outputs["sum"].dtype, outputs["sum"].tensor_content) == (expected.dtype, b"")
    assert list(outputs["sum"].float_val) == [2.0, 2.0]


def test_default_stands_for_an_input_that_was_left_out(server: ServerProcess) -> None:
    reply = done(PREDICTION, "Predict", server.target, two(a=A))
    assert tf.make_ndarray(reply.outputs["sum"]).tolist() == [11.0, 11.0]


@pytest.mark.parametrize("dtype", saved_models.ECHOED)
@pytest.mark.parametrize("rows", [0, 1, 3])
def test_values_of_each_dtype_go_through(server: ServerProcess, dtype: str, rows: int) -> None:
    array = np.arange(rows * 2).reshape(rows, 2).astype(dtype)
    message = request(spec("echo", signature_name=dtype), x=array)
    reply = done(PREDICTION, "Predict", server.target, message)
    back = tf.make_ndarray(reply.outputs["y"])
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


def test_strings_go_through(server: ServerProcess) -> None:
    array = np.array([[b"", b"short"], [b"x" * 5000, b"\x00\xff"]], object)
    message = request(spec("echo", signature_name="string"), x=array)
    reply = done(PREDICTION, "Predict", server.target, message)
    assert tf.make_ndarray(reply.outputs["y"]).tolist() == array.tolist()


def test_status_lists_the_version_that_serves(server: ServerProcess) -> None:
    reply = done(MODEL, "GetModelStatus", server.target, status_request("fraud"))
    expected = get_model_status_pb2.GetModelStatusResponse()
    item = expected.model_version_status.add(version=3, state="AVAILABLE")
    item.status.SetInParent()
    assert reply == expected


def test_metadata_holds_the_signatures_of_the_saved_model(server: ServerProcess) -> None:
    from tensorflow.core.protobuf import saved_model_pb2  # noqa: PLC0415

    message = metadata_request(spec(), "signature_def")
    reply = done(PREDICTION, "GetModelMetadata", server.target, message)
    found = get_model_metadata_pb2.SignatureDefMap()
    assert reply.metadata["signature_def"].Unpack(found)
    file = saved_models.odd() / "saved_model.pb"
    on_disk = saved_model_pb2.SavedModel.FromString(file.read_bytes()).meta_graphs[0]
    expected = get_model_metadata_pb2.SignatureDefMap(signature_def=on_disk.signature_def)
    assert found == expected
    assert reply.model_spec == spec("odd", version=1)


def test_unparsable_request_ends_with_a_status(server: ServerProcess) -> None:
    with grpc.insecure_channel(server.target) as channel:
        raw: Any = channel.unary_unary
        call = raw("/tensorflow.serving.PredictionService/Predict")
        with pytest.raises(grpc.RpcError) as error:
            call(b"\xff" * 9, timeout=DEADLINE_S)
    failed: Any = error.value
    assert failed.code() is C.INTERNAL


def test_our_client_gets_what_numpy_computes(server: ServerProcess) -> None:
    features = np.random.default_rng(1).random((64, saved_models.FEATURES), np.float32) - 0.5

    async def call() -> Any:
        client = PredictionClient(server.target)
        outcome = await client.predict("fraud", {"features": features}, deadline_s=DEADLINE_S)
        await client.close()
        return outcome

    answer = asyncio.run(call())
    assert isinstance(answer, Answer), answer
    expected = saved_models.expected_scores(features, bias=0.0)
    np.testing.assert_allclose(answer.outputs["score"], expected, rtol=1e-5)
    assert answer.outputs["decision"].tolist() == (answer.outputs["score"] > 0.5).tolist()
    assert answer.version == 3
