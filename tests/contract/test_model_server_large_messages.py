"""Large Predict messages, read and written in place, against TensorFlow Serving's own classes."""

import random
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from tensorflow_serving.apis import predict_pb2

from millrace.model_server import large_messages, wire
from millrace.model_server.core import Prediction
from millrace.model_server.errors import RequestError
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


@pytest.mark.parametrize("typed", [False, True], ids=["content", "typed"])
@pytest.mark.parametrize("name", ARRAYS)
def test_large_request_is_read_as_it_was_written(name: str, typed: bool) -> None:
    array = ARRAYS[name]
    message = request(array, typed=typed)
    read = large_messages.predict_request(message)
    assert isinstance(read, large_messages.PredictRequest)
    spec = read.model_spec
    assert (spec.name, spec.version.value, list(read.output_filter)) == ("m", 3, ["y"])
    back = large_messages.read_tensor(read.inputs["x"], MAX_BYTES)
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype


def test_tensor_content_is_a_view_of_the_request() -> None:
    read = large_messages.predict_request(request(ARRAYS["float32"], typed=False))
    array: Any = large_messages.read_tensor(read.inputs["x"], MAX_BYTES)
    assert not array.flags.owndata
    base = array.base
    while isinstance(base, np.ndarray):
        base = base.base
    assert isinstance(base, memoryview)


@pytest.mark.parametrize("as_content", [False, True], ids=["typed", "content"])
@pytest.mark.parametrize("name", ARRAYS)
def test_large_reply_is_what_protobuf_writes(name: str, as_content: bool) -> None:
    array = ARRAYS[name]
    answer = Prediction("m", 3, "s", ["y", "z"], [array, array[:0]])
    written = large_messages.predict_reply(answer, as_content=as_content)
    in_place = array.dtype != object and (as_content or name in MEMORY)
    assert (written is not None) == in_place
    if written is None:
        return
    read = predict_pb2.PredictResponse.FromString(written)
    assert (read.model_spec.name, read.model_spec.version.value) == ("m", 3)
    assert read.model_spec.signature_name == "s"
    np.testing.assert_array_equal(tf.make_ndarray(read.outputs["y"]), array)
    assert tf.make_ndarray(read.outputs["z"]).shape == (0, *array.shape[1:])


def meaning(message: bytes, decode: Any) -> Any:
    """What a reader makes of a message: spec, names and arrays, or that it is none."""
    try:
        read = decode(message)
        names = dict.fromkeys(read.inputs)
    except (DecodeError, RequestError):
        return "no message"
    found: dict[str, Any] = {}
    for name in names:
        try:
            array = large_messages.read_tensor(read.inputs[name], MAX_BYTES)
            found[name] = (array.dtype, array.shape, array.tobytes())
        except ValueError:
            found[name] = "no tensor"
    return read.model_spec.SerializeToString(), found, list(read.output_filter)


def test_damaged_messages_mean_what_they_mean_to_protobuf() -> None:
    chance = random.Random(7)
    whole = request(ARRAYS["float32"][:2048], typed=False)
    different = []
    for _ in range(1500):
        damaged = bytearray(whole[: chance.choice([len(whole), chance.randrange(len(whole))])])
        for _ in range(chance.randrange(4)):
            place = chance.randrange(min(len(damaged), 80)) if damaged else 0
            damaged[place : place + 1] = bytes([chance.randrange(256)])
        message = bytes(damaged)
        ours = meaning(message, large_messages.predict_request)
        theirs = meaning(message, wire.PredictRequest.FromString)
        if ours != theirs:
            different.append(message[:100].hex())
    assert different == []
