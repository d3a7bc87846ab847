"""Arrays to tensor messages and back."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from udfs.client import tensors, wire
from udfs.client.tensors import TensorError, decode, encode, encode_typed

ARRAYS = {
    **{
        str(dtype): np.array([[0, 1, 2], [3, 4, 5]]).astype(dtype)
        for dtype in tensors.DTYPES.values()
    },
    "negative int8": np.array([-128, -1, 127], np.int8),
    "negative int64": np.array([-(2**63), 2**63 - 1]),
    "half": np.array([-0.5, 65504.0], np.float16),
    "scalar": np.array(7, np.int32),
    "no rows": np.empty((0, 9), np.float32),
    "big endian": np.array([1.5, -2.0], ">f8"),
    "columns of a larger array": np.arange(12, dtype=np.float32).reshape(3, 4)[:, 1:3],
    "strings": np.array([[b"", b"a\x00"], [b"x" * 200, b"\xff"]], object),
}


@pytest.mark.parametrize("write", [encode, encode_typed], ids=["content", "typed"])
@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS.keys())
def test_array_comes_back(array: NDArray[Any], write: Callable[[NDArray[Any], Any], None]) -> None:
    tensor = wire.Tensor()
    write(array, tensor)
    back = decode(wire.Tensor.FromString(tensor.SerializeToString()))
    assert back.dtype == array.dtype.newbyteorder("<")
    np.testing.assert_array_equal(back, array)


def test_text_is_sent_as_utf8() -> None:
    tensor = wire.Tensor()
    encode(np.array(["ü", "b"]), tensor)
    assert decode(tensor).tolist() == ["ü".encode(), b"b"]


def test_content_is_the_memory_of_the_array() -> None:
    tensor = wire.Tensor()
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    encode(array, tensor)
    assert tensor.tensor_content == array.tobytes()


def tensor(dtype: int, shape: list[int], **fields: Any) -> Any:
    return wire.Tensor(dtype=dtype, tensor_shape={"dim": [{"size": n} for n in shape]}, **fields)


ONE = np.array([1.5], np.float32).tobytes()
TWO = np.array([1.5, 2.5], np.float32).tobytes()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(tensor(1, [3], float_val=[ONE]), [1.5, 1.5, 1.5], id="one value fills"),
        pytest.param(tensor(1, [3], float_val=[TWO]), [1.5, 2.5, 2.5], id="the last fills"),
        pytest.param(tensor(1, [2], float_val=[ONE, ONE]), [1.5, 1.5], id="packed in two pieces"),
        pytest.param(tensor(1, [2]), [0.0, 0.0], id="nothing is zeros"),
        pytest.param(tensor(7, [2]), [b"", b""], id="nothing is empty strings"),
        pytest.param(tensor(7, [2], string_val=[b"a"]), [b"a", b"a"], id="one string fills"),
        pytest.param(tensor(3, [2], int_val=[-4]), [-4, -4], id="one integer fills"),
        pytest.param(tensor(10, [2], bool_val=[b"\x01"]), [True, True], id="one bool fills"),
        pytest.param(tensor(10, [2], bool_val=[b"\x81\x00\x00"]), [True, False], id="long varint"),
        pytest.param(
            tensor(7, [3], tensor_content=b"\x01\x00\x02abc"), [b"a", b"", b"bc"], id="string list"
        ),
    ],
)
def test_typed_values_are_read_as_tensorflow_reads_them(message: Any, expected: list[Any]) -> None:
    assert decode(message).tolist() == expected


def test_unpacked_values_are_read_too() -> None:
    # Field 5, wire type 5: each float on its own.
    unpacked = b"".join(b"\x2d" + np.float32(x).tobytes() for x in (1.5, -2.0))
    message = wire.Tensor.FromString(tensor(1, [2]).SerializeToString() + unpacked)
    assert decode(message).tolist() == [1.5, -2.0]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(tensor(1, [3], tensor_content=TWO), id="content too short"),
        pytest.param(tensor(1, [1], tensor_content=TWO), id="content too long"),
        pytest.param(tensor(1, [-1], tensor_content=TWO), id="negative dimension"),
        pytest.param(tensor(1, [1 << 40, 1 << 40]), id="enormous shape without data"),
        pytest.param(tensor(7, [1 << 40]), id="enormous shape of strings"),
        pytest.param(tensor(7, [1 << 40], tensor_content=b"\x00"), id="enormous list of strings"),
        pytest.param(tensor(7, [2], tensor_content=b"\x01\x01a"), id="strings cut off"),
        pytest.param(tensor(7, [1], tensor_content=b"\xff\xff"), id="string length cut off"),
        pytest.param(tensor(0, [1]), id="no dtype"),
        pytest.param(tensor(14, [1], tensor_content=b"ab"), id="bfloat16"),
        pytest.param(wire.Tensor(dtype=1, tensor_shape={"unknown_rank": True}), id="unknown rank"),
    ],
)
def test_message_that_is_no_array_is_refused(message: Any) -> None:
    with pytest.raises(TensorError):
        decode(message)
