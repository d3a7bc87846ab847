"""JSON as TensorFlow Serving writes it, RapidJSON's line breaks included."""

import base64
import json
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from millrace.model_server.classification import Classes
from millrace.model_server.errors import invalid
from millrace.model_server.rest.decimals import decimals
from millrace.model_server.rest.json_scalars import TYPE_NAMES
from udfs.client.tensors import NUMBERS

_INDENT: Final = "    "
_BOOLS: Final = ("false", "true")


def rows(names: Sequence[str], values: Sequence[NDArray[Any]]) -> bytes:
    """`{"predictions": [...]}`, an element for each row; objects when there are several outputs.

    Raises:
        RequestError: the outputs cannot be cut into rows, in TensorFlow Serving's words.
    """
    _check_rows(names, values)
    several = len(names) > 1
    columns = [
        _nested(_texts(array, name, 1 + several + array.ndim), array.shape, kept=1)
        for name, array in zip(names, values, strict=True)
    ]
    if several:
        keys = [f"{_INDENT * 3}{_quoted(name)}: " for name in names]
        members = [",\n".join(map(str.__add__, keys, row)) for row in zip(*columns, strict=True)]
        items = [f"\n{_INDENT * 2}{{\n{text}\n{_INDENT * 2}}}" for text in members]
        return _document("predictions", f"[{','.join(items)}{_end(items)}]")
    return _document("predictions", f"[{', '.join(columns[0])}{_end(columns[0])}]")


def columns(names: Sequence[str], values: Sequence[NDArray[Any]]) -> bytes:
    """`{"outputs": ...}`, an array for each output; an object when there are several.

    Raises:
        RequestError: an output is of a type that has no JSON form.
    """
    depth = 1 + (len(names) > 1)
    texts = [
        _nested(_texts(array, name, depth + array.ndim), array.shape, depth=depth)[0]
        for name, array in zip(names, values, strict=True)
    ]
    if depth == 1:
        return _document("outputs", texts[0])
    members = [
        f"{_INDENT * 2}{_quoted(name)}: {text}" for name, text in zip(names, texts, strict=True)
    ]
    return _document("outputs", "{\n" + ",\n".join(members) + f"\n{_INDENT}}}")


def classifications(found: Classes) -> bytes:
    """`{"results": [[["label", score], ...], ...]}`, an element for each example."""
    flat = [score or 0.0 for row in found for _, score in row]
    scores = iter(decimals(np.array(flat, np.float32)))
    pairs = [[f"[{_string(label or b'')}, {next(scores)}]" for label, _ in row] for row in found]
    items = [f"[{', '.join(row)}]" for row in pairs]
    return _document("results", f"[{', '.join(items)}{_end(items)}]")


def regressions(found: Sequence[float]) -> bytes:
    """`{"results": [value, ...]}`, an element for each example."""
    return _document("results", f"[{', '.join(decimals(np.array(found, np.float32)))}]")


def error(message: str) -> bytes:
    """`{"error": "..."}`."""
    return _document("error", _quoted(message))


def _check_rows(names: Sequence[str], values: Sequence[NDArray[Any]]) -> None:
    for name, array in zip(names, values, strict=True):
        if not array.ndim:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if len(array) != len(values[0]):
            raise invalid(
                f"Tensor name: {name} has inconsistent batch size: {len(array)} "
                f"expecting: {len(values[0])}"
            )


def _nested(
    texts: list[str], shape: tuple[int, ...], *, kept: int = 0, depth: int | None = None
) -> list[str]:
    """Texts of the values joined to arrays, axis by axis from the last, the first `kept` left out.

    Args:
        texts: the values' texts.
        shape: the tensor's shape.
        kept: axes that stay apart.
        depth: how many containers surround the tensor, for line breaks; None for one line.
    """
    for axis in range(len(shape) - 1, kept - 1, -1):
        size, groups = shape[axis], math.prod(shape[:axis])
        first, between, last = _brackets(None if depth is None else depth + axis, empty=not size)
        texts = [
            first + between.join(texts[group * size : (group + 1) * size]) + last
            for group in range(groups)
        ]
    return texts


def _brackets(depth: int | None, *, empty: bool) -> tuple[str, str, str]:
    if depth is None or empty:
        return "[", ", ", "]"
    inside = "\n" + _INDENT * (depth + 1)
    return f"[{inside}", f",{inside}", f"\n{_INDENT * depth}]"


def _texts(array: NDArray[Any], name: str, depth: int) -> list[str]:
    flat = array.ravel()
    if array.dtype == object:
        if not name.endswith("_bytes"):
            return list(map(_string, flat.tolist()))
        # A name with this ending stands for bytes that are no text.
        inside, outside = "\n" + _INDENT * (depth + 1), "\n" + _INDENT * depth
        coded = (base64.b64encode(value).decode() for value in flat.tolist())
        return [f'{{{inside}"b64": "{text}"{outside}}}' for text in coded]
    if array.dtype in (np.float32, np.float64):
        return decimals(flat)
    if array.dtype.kind == "b":
        return [_BOOLS[value] for value in flat.tolist()]
    if array.dtype.kind in "iu" and array.dtype != np.uint16:
        return list(map(str, flat.tolist()))
    kind = TYPE_NAMES.get(NUMBERS.get(array.dtype, 0), "INVALID")
    raise invalid(f"Failed to write JSON value for tensor type: {kind}")


def _string(value: bytes) -> str:
    return _quoted(value.decode("utf-8", "surrogateescape"))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _end(items: Sequence[str]) -> str:
    return f"\n{_INDENT}" if items else ""


def _document(key: str, text: str) -> bytes:
    return f'{{\n{_INDENT}"{key}": {text}\n}}'.encode("utf-8", "surrogateescape")
