"""Our schema of the wire format against TensorFlow's own classes, in one process."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.descriptor import FieldDescriptor
from numpy.typing import NDArray
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    input_pb2,
    model_management_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)
from tensorflow_serving.config import (
    file_system_storage_path_source_pb2,
    model_server_config_pb2,
)

from millrace.model_server import wire as server_wire
from udfs.client import tensors, wire
from udfs.client.outcomes import VersionState

_POLICY = (
    file_system_storage_path_source_pb2.FileSystemStoragePathSourceConfig.ServableVersionPolicy
)
_THEIRS: dict[str, Any] = {
    "VersionPolicyLatest": _POLICY.Latest,
    "VersionPolicyAll": _POLICY.All,
    "VersionPolicySpecific": _POLICY.Specific,
    "ServableVersionPolicy": _POLICY,
    "ReloadConfigRequest": model_management_pb2.ReloadConfigRequest,
    "ReloadConfigResponse": model_management_pb2.ReloadConfigResponse,
    "Metric": model_management_pb2.Metric,
    "Input": input_pb2.Input,
    "ExampleList": input_pb2.ExampleList,
    "ExampleListWithContext": input_pb2.ExampleListWithContext,
    "Class": classification_pb2.Class,
    "Classifications": classification_pb2.Classifications,
    "ClassificationResult": classification_pb2.ClassificationResult,
    "ClassificationRequest": classification_pb2.ClassificationRequest,
    "ClassificationResponse": classification_pb2.ClassificationResponse,
    "Regression": regression_pb2.Regression,
    "RegressionResult": regression_pb2.RegressionResult,
    "RegressionRequest": regression_pb2.RegressionRequest,
    "RegressionResponse": regression_pb2.RegressionResponse,
    "InferenceTask": inference_pb2.InferenceTask,
    "InferenceResult": inference_pb2.InferenceResult,
    "MultiInferenceRequest": inference_pb2.MultiInferenceRequest,
    "MultiInferenceResponse": inference_pb2.MultiInferenceResponse,
    "ModelSpec": model_pb2.ModelSpec,
    "Dim": tensor_shape_pb2.TensorShapeProto.Dim,
    "TensorShapeProto": tensor_shape_pb2.TensorShapeProto,
    "Tensor": tensor_pb2.TensorProto,
    "TypedTensor": tensor_pb2.TensorProto,
    "PredictRequest": predict_pb2.PredictRequest,
    "PredictResponse": predict_pb2.PredictResponse,
    "GetModelStatusRequest": get_model_status_pb2.GetModelStatusRequest,
    "ModelVersionStatus": get_model_status_pb2.ModelVersionStatus,
    "GetModelStatusResponse": get_model_status_pb2.GetModelStatusResponse,
    "TensorInfo": meta_graph_pb2.TensorInfo,
    "SignatureDef": meta_graph_pb2.SignatureDef,
    "MetaGraphDef": meta_graph_pb2.MetaGraphDef,
    "SignatureDefMap": get_model_metadata_pb2.SignatureDefMap,
    "GetModelMetadataRequest": get_model_metadata_pb2.GetModelMetadataRequest,
    "GetModelMetadataResponse": get_model_metadata_pb2.GetModelMetadataResponse,
    "ModelConfig": model_server_config_pb2.ModelConfig,
    "ModelConfigList": model_server_config_pb2.ModelConfigList,
    "ModelServerConfig": model_server_config_pb2.ModelServerConfig,
    "ConfigProto": config_pb2.ConfigProto,
}
_PACKED = {"float_val", "double_val", "bool_val", "scomplex_val", "dcomplex_val"}
_ENUMS = FieldDescriptor.TYPE_ENUM
_INT32: int = FieldDescriptor.TYPE_INT32
_BYTES: int = FieldDescriptor.TYPE_BYTES


def declared(message_class: Any) -> dict[str, tuple[int, int, int]]:
    """Number, label and type of each field, by what it is on the wire.

    Enumerations are int32; strings, and messages that only the graph reads, are bytes.
    """
    return {
        field.name: (field.number, field.label, _wire_type(field))
        for field in message_class.DESCRIPTOR.fields
    }


def _wire_type(field: Any) -> int:
    if field.type == _ENUMS:
        return _INT32
    example: bool = field.message_type is not None and field.message_type.name == "Example"
    text: bool = field.type == FieldDescriptor.TYPE_STRING
    number: int = field.type
    return _BYTES if example or text else number


@pytest.mark.parametrize("name", _THEIRS)
def test_fields_are_numbered_and_typed_as_tensorflows(name: str) -> None:
    ours, theirs = declared(server_wire._CLASSES[name]), declared(_THEIRS[name])
    if name == "Tensor":
        # Read as the bytes that a packed field is.
        ours = {field: place for field, place in ours.items() if field not in _PACKED}
    assert ours == {field: theirs.get(field) for field in ours}


def test_packed_fields_carry_tensorflows_numbers() -> None:
    ours, theirs = declared(wire.Tensor), declared(tensor_pb2.TensorProto)
    assert {name: ours[name][0] for name in _PACKED} == {name: theirs[name][0] for name in _PACKED}


def test_client_and_server_share_their_tables() -> None:
    assert {name: server_wire.TABLES[name] for name in wire.TABLES} == wire.TABLES


def test_tensorflow_reads_our_request() -> None:
    request = wire.PredictRequest(output_filter=["score"])
    request.model_spec.name, request.model_spec.version.value = "fraud", 3
    request.model_spec.signature_name = "serving_default"
    array = np.arange(18, dtype=np.float32).reshape(2, 9)
    tensors.encode(array, request.inputs["features"])
    read = predict_pb2.PredictRequest.FromString(request.SerializeToString())
    expected = predict_pb2.PredictRequest(output_filter=["score"])
    expected.model_spec.name, expected.model_spec.version.value = "fraud", 3
    expected.model_spec.signature_name = "serving_default"
    expected.inputs["features"].CopyFrom(tf.make_tensor_proto(array))
    assert read == expected


def test_we_read_tensorflows_response() -> None:
    response = predict_pb2.PredictResponse()
    response.model_spec.name, response.model_spec.version.value = "fraud", 3
    response.outputs["score"].CopyFrom(tf.make_tensor_proto([0.5, 0.25], tf.float32))
    read = wire.PredictResponse.FromString(response.SerializeToString())
    assert (read.model_spec.name, read.model_spec.version.value) == ("fraud", 3)
    assert tensors.decode(read.outputs["score"]).tolist() == [0.5, 0.25]


@pytest.mark.parametrize("state", get_model_status_pb2.ModelVersionStatus.State.items())
def test_version_states_have_tensorflow_servings_numbers(state: tuple[str, int]) -> None:
    assert VersionState[state[0]] == state[1]


ARRAYS = {
    str(dtype): np.array([[0, 1, 1], [1, 3, 5]]).astype(dtype) for dtype in tensors.DTYPES.values()
} | {
    "strings": np.array([[b"", b"b"], [b"x" * 300, b"\xff"]], object),
    "one": np.array([[7]], np.float32),
}


@pytest.mark.parametrize("write", [tensors.encode, tensors.encode_typed], ids=["content", "typed"])
@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS.keys())
def test_tensorflows_runtime_reads_our_tensors(
    array: NDArray[Any], write: Callable[[NDArray[Any], Any], None]
) -> None:
    ours = wire.Tensor()
    write(array, ours)
    dtype = tf.string if array.dtype == object else tf.as_dtype(array.dtype)
    read = tf.io.parse_tensor(ours.SerializeToString(), dtype).numpy()
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS.keys())
def test_we_read_what_tensorflows_runtime_writes(array: NDArray[Any]) -> None:
    # The runtime writes tensor_content here, for strings too.
    written = tf.io.serialize_tensor(tf.constant(array)).numpy()
    np.testing.assert_array_equal(tensors.decode(wire.Tensor.FromString(written)), array)


def partial(dtype: int, **fields: Any) -> Any:
    shape = {"dim": [{"size": 2}, {"size": 2}]}
    return tensor_pb2.TensorProto(dtype=dtype, tensor_shape=shape, **fields)


PARTIAL = {
    "no float": partial(1),
    "one float": partial(1, float_val=[1.5]),
    "two floats": partial(1, float_val=[1.5, -2.5]),
    "five floats": partial(1, float_val=[1, 2, 3, 4, 5]),
    "one double": partial(2, double_val=[1.5]),
    "one half": partial(19, half_val=[0x3C00]),
    "one negative int8": partial(6, int_val=[-3]),
    "one uint16": partial(17, int_val=[65535]),
    "one int64": partial(9, int64_val=[-(2**63)]),
    "one uint64": partial(23, uint64_val=[2**64 - 1]),
    "one bool": partial(10, bool_val=[True]),
    "one complex": partial(8, scomplex_val=[1, -2]),
    "no string": partial(7),
    "one string": partial(7, string_val=[b"a"]),
}


@pytest.mark.parametrize("message", PARTIAL.values(), ids=PARTIAL.keys())
def test_too_few_or_many_values_mean_what_they_mean_to_the_runtime(message: Any) -> None:
    serialised = message.SerializeToString()
    expected = tf.io.parse_tensor(serialised, tf.as_dtype(message.dtype)).numpy()
    read = tensors.decode(wire.Tensor.FromString(serialised))
    np.testing.assert_array_equal(read, expected)
