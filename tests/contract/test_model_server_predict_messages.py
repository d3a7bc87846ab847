"""Predict messages, read and written in place, against TensorFlow Serving's own classes."""

import random
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from tensorflow_serving.apis import predict_pb2

from millrace.model_server import wire
from millrace.model_server.core import Prediction
from millrace.model_server.errors import RequestError
from millrace.model_server.model_spec import ModelSpec
from millrace.model_server.predict_replies import predict_reply
from millrace.model_server.predict_requests import PredictRequest, RequestReader, read_tensor
from millrace.model_server.requests import spec_of
from udfs.client import tensors

MAX_BYTES = 1 << 30
ROWS = 8192
MEMORY = {"float32", "float64", "complex64", "complex128", "bool"}
"""Types whose packed typed field is the array's memory."""

ARRAYS = {
    str(dtype): (np.arange(ROWS * 3) % 120).reshape(ROWS, 3).astype(dtype)
    for dtype in [each for each in tensors.DTYPES.values() if each != np.bool_]
} | {
    "bool": (np.arange(ROWS * 6) % 2 == 0).reshape(ROWS, 6),
    "strings": np.array([[b"text" * 4] * 3] * ROWS, object),
}


def request(array: NDArray[Any], *, typed: bool) -> bytes:
    message = predict_pb2.PredictRequest(output_filter=["y"])
    message.model_spec.name, message.model_spec.version.value = "m", 3
    if typed:
        ours = wire.Tensor()
        tensors.encode_typed(array, ours)
        message.inputs["x"].MergeFromString(ours.SerializeToString())
    else:
        message.inputs["x"].CopyFrom(tf.make_tensor_proto(array))
    serialised: bytes = message.SerializeToString()
    return serialised


@pytest.mark.parametrize("rows", [3, ROWS], ids=["small", "large"])
@pytest.mark.parametrize("typed", [False, True], ids=["content", "typed"])
@pytest.mark.parametrize("name", ARRAYS)
def test_request_is_read_as_it_was_written(name: str, typed: bool, rows: int) -> None:
    reader = RequestReader()
    # The first of its kind is parsed or walked, the second walked, the third known.
    for roll in range(3):
        array = np.roll(ARRAYS[name][:rows], roll, axis=0)
        read = reader.read(request(array, typed=typed))
        assert read.spec == ModelSpec("m", 3)
        assert list(read.output_filter) == ["y"]
        back = read_tensor(read.inputs["x"], MAX_BYTES)
        np.testing.assert_array_equal(back, array)
        assert back.dtype == array.dtype


def test_requests_that_differ_elsewhere_are_told_apart() -> None:
    messages = []
    for name, version, shape in [("m", 3, (2, 3)), ("n", 3, (2, 3)), ("m", 4, (3, 2))]:
        message = predict_pb2.PredictRequest()
        message.model_spec.name, message.model_spec.version.value = name, version
        message.inputs["x"].CopyFrom(tf.make_tensor_proto(np.ones(shape, np.float32)))
        messages.append(message.SerializeToString())
    assert len(set(map(len, messages))) == 1
    reader = RequestReader()
    read = [reader.read(message) for message in messages * 3]
    found = [(one.spec, read_tensor(one.inputs["x"], MAX_BYTES).shape) for one in read]
    assert (
        found
        == [(ModelSpec("m", 3), (2, 3)), (ModelSpec("n", 3), (2, 3)), (ModelSpec("m", 4), (3, 2))]
        * 3
    )


def test_what_is_remembered_is_bounded() -> None:
    reader = RequestReader()
    for columns in range(2000):
        message = wire.PredictRequest()
        tensors.encode(np.zeros((1, columns), np.float32), message.inputs["x"])
        for _ in range(2):
            reader.read(message.SerializeToString())
    assert len(reader._lengths) <= 512


def test_tensor_content_is_a_view_of_the_request() -> None:
    message = request(ARRAYS["float32"], typed=False)
    array: Any = RequestReader().read(message).inputs["x"]
    assert not array.flags.owndata
    base = array.base
    while isinstance(base, np.ndarray):
        base = base.base
    assert base is message


@pytest.mark.parametrize("as_content", [False, True], ids=["typed", "content"])
@pytest.mark.parametrize("name", ARRAYS)
def test_reply_is_what_protobuf_writes(name: str, as_content: bool) -> None:
    array = ARRAYS[name]
    answer = Prediction("m", 3, "s", ["y", "z"], [array, array[:2]])
    written = predict_reply(answer, as_content=as_content)
    in_place = array.dtype != object and (as_content or name in MEMORY)
    assert (written is not None) == in_place
    if written is None:
        return
    read = predict_pb2.PredictResponse.FromString(written)
    assert (read.model_spec.name, read.model_spec.version.value) == ("m", 3)
    assert read.model_spec.signature_name == "s"
    np.testing.assert_array_equal(tf.make_ndarray(read.outputs["y"]), array)
    np.testing.assert_array_equal(tf.make_ndarray(read.outputs["z"]), array[:2])


def meaning(message: bytes, decode: Any) -> Any:
    """What a reader makes of a message: spec, names and arrays, or that it is none."""
    try:
        read = decode(message)
    except (DecodeError, RequestError):
        return "no message"
    found: dict[str, Any] = {}
    for name in dict.fromkeys(read.inputs):
        try:
            array = read_tensor(read.inputs[name], MAX_BYTES)
            found[name] = (array.dtype, array.shape, array.tobytes())
        except ValueError:
            found[name] = "no tensor"
    return read.spec, found, list(read.output_filter)


def by_protobuf(message: bytes) -> PredictRequest:
    read = wire.PredictRequest.FromString(message)
    spec = spec_of(read.model_spec) if read.HasField("model_spec") else None
    return PredictRequest(spec, read.inputs, read.output_filter)


@pytest.mark.parametrize("rows", [1, 2048], ids=["small", "large"])
def test_damaged_messages_mean_what_they_mean_to_protobuf(rows: int) -> None:
    chance = random.Random(7)
    whole = request(ARRAYS["float32"][:rows], typed=False)
    reader = RequestReader()
    different = []
    for _ in range(1500):
        cut = chance.choice([len(whole), len(whole), chance.randrange(len(whole))])
        damaged = bytearray(whole[:cut])
        for _ in range(chance.randrange(4)):
            place = chance.randrange(min(len(damaged), 80)) if damaged else 0
            damaged[place : place + 1] = bytes([chance.randrange(256)])
        message = bytes(damaged)
        theirs = meaning(message, by_protobuf)
        # Undamaged ones between them keep what is known about the length in use.
        meaning(whole, reader.read)
        if any(meaning(message, reader.read) != theirs for _ in range(3)):
            different.append(message[:100].hex())
    assert different == []


@pytest.mark.parametrize(
    "shape", [(1,) * 70, (0, 2**62, 2**62), (0, 3)], ids=["many axes", "too large", "no rows"]
)
def test_shapes_that_numpy_may_not_have_mean_what_they_mean_to_protobuf(
    shape: tuple[int, ...],
) -> None:
    request = wire.PredictRequest()
    request.inputs["x"].dtype = 1
    for size in shape:
        request.inputs["x"].tensor_shape.dim.add(size=size)
    request.inputs["x"].tensor_content = b"" if 0 in shape else bytes(4)
    message = request.SerializeToString()
    reader = RequestReader()
    assert [meaning(message, reader.read) for _ in range(3)] == [meaning(message, by_protobuf)] * 3
