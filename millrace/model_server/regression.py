"""Regress: which output is asked for, and what is made of it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from numpy.typing import NDArray

from millrace.model_server.descriptions import described, dtype_name, shape_of
from millrace.model_server.errors import invalid
from millrace.model_server.servable import Signature

METHOD: Final = "tensorflow/serving/regress"
_INPUT, _OUTPUT = "inputs", "outputs"
_FLAT, _COLUMN = 1, 2

Values = Sequence[float]
"""A value for each example."""


def tensors(signature: Signature) -> tuple[str, list[str]]:
    """The tensor that takes the examples, and the one that is fetched.

    Raises:
        RequestError: the signature is none for regression, in TensorFlow Serving's words.
    """
    if len(signature.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if len(signature.outputs) != 1:
        raise invalid("Expected one output Tensor.")
    for field, names, wanted in (
        ("inputs", signature.inputs, _INPUT),
        ("outputs", signature.outputs, _OUTPUT),
    ):
        if wanted not in names:
            raise invalid(f"No regression {field} found in SignatureDef: {described(signature)}")
    return signature.inputs[_INPUT].name, [signature.outputs[_OUTPUT].name]


def values(signature: Signature, count: int, arrays: Mapping[str, NDArray[Any]]) -> Values:
    """The value of each example.

    Args:
        signature: the signature that ran.
        count: examples.
        arrays: arrays by tensor name.

    Raises:
        RequestError: the output is no value for each of so many examples.
    """
    output = arrays[signature.outputs[_OUTPUT].name]
    column = output.ndim == _COLUMN and output.shape[1] == 1
    if output.ndim != _FLAT and not column:
        raise invalid(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            f"{shape_of(output)}"
        )
    if len(output) != count:
        raise invalid(
            f"Input batch size did not match output batch size: {count} vs. {len(output)}"
        )
    if dtype_name(output) != "DT_FLOAT":
        raise invalid(f"Expected output Tensor of DT_FLOAT.  Got: {dtype_name(output)}")
    found: list[float] = output.ravel().tolist()
    return found
