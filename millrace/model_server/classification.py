"""Classify: which outputs are asked for, and what is made of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from numpy.typing import NDArray

from millrace.model_server.descriptions import described, dtype_name, shape_of
from millrace.model_server.errors import invalid
from millrace.model_server.servable import Signature

METHOD: Final = "tensorflow/serving/classify"
_INPUT, _CLASSES, _SCORES = "inputs", "classes", "scores"
_MAX_OUTPUTS = 2
_AXES = 2

Classes = Sequence[Sequence[tuple[bytes | None, float | None]]]
"""For each example its classes, as (label, score)."""


def tensors(signature: Signature) -> tuple[str, list[str]]:
    """The tensor that takes the examples, and those that are fetched.

    Raises:
        RequestError: the signature is none for classification, in TensorFlow Serving's words.
    """
    if len(signature.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if not 1 <= len(signature.outputs) <= _MAX_OUTPUTS:
        raise invalid(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    if _INPUT not in signature.inputs:
        raise invalid(f"No classification inputs found in SignatureDef: {described(signature)}")
    fetched = [
        signature.outputs[name].name for name in (_CLASSES, _SCORES) if name in signature.outputs
    ]
    if not fetched:
        raise invalid(
            "Expected classification signature outputs to contain at least one of "
            f'"{_CLASSES}" or "{_SCORES}". Signature was: {described(signature)}'
        )
    return signature.inputs[_INPUT].name, fetched


def classes(signature: Signature, count: int, values: Mapping[str, NDArray[Any]]) -> Classes:
    """The classes of each example.

    Args:
        signature: the signature that ran.
        count: examples.
        values: arrays by tensor name.

    Raises:
        RequestError: the outputs are no classes of so many examples.
    """
    labels, scores = (
        values[signature.outputs[name].name] if name in signature.outputs else None
        for name in (_CLASSES, _SCORES)
    )
    if labels is not None:
        _check("classes", labels, count, "DT_STRING")
    if scores is not None:
        _check("scores", scores, count, "DT_FLOAT")
    if labels is not None and scores is not None and labels.shape[1] != scores.shape[1]:
        raise invalid(
            "Tensors class and score should match in dim_size(1). Got "
            f"{labels.shape[1]} vs. {scores.shape[1]}"
        )
    one = next(array for array in (labels, scores) if array is not None)
    blank: list[Any] = [[None] * one.shape[1]] * count
    return [
        list(zip(*row, strict=True))
        for row in zip(
            blank if labels is None else labels.tolist(),
            blank if scores is None else scores.tolist(),
            strict=True,
        )
    ]


def _check(kind: str, array: NDArray[Any], count: int, expected: str) -> None:
    if array.ndim != _AXES:
        raise invalid(f"Expected Tensor shape: [batch_size num_classes] but got {shape_of(array)}")
    if dtype_name(array) != expected:
        raise invalid(f"Expected {kind} Tensor of {expected}. Got: {dtype_name(array)}")
    if len(array) != count:
        raise invalid(f"Expected {kind} output batch size of {count}. Got: {len(array)}")
