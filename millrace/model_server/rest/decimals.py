"""Floating-point numbers as TensorFlow Serving writes them in JSON."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_FULL: Final[Mapping[np.dtype[Any], str]] = {
    np.dtype(np.float32): "%.9g",
    np.dtype(np.float64): "%.17g",
}


def decimals(values: NDArray[Any]) -> list[str]:
    """Texts of numbers: six digits where they read back the same, else all; `.0` behind whole ones.

    Source: `WriteDecimal` in tensorflow_serving/util/json_tensor.cc at 9d981c5.

    >>> decimals(np.array([0.2, 9e6, 3, 1/3, np.nan, -np.inf], np.float32))
    ['0.2', '9e+06', '3.0', '0.333333343', 'NaN', '-Infinity']

    Args:
        values: float32 or float64, shape (n,).
    """
    numbers = values.tolist()
    texts = ("%.6g " * len(numbers) % tuple(numbers)).split()
    with np.errstate(over="ignore"):
        back = np.fromiter(map(float, texts), np.float64, len(texts)).astype(values.dtype)
    full = _FULL[values.dtype]
    for place in np.flatnonzero(back != values).tolist():
        texts[place] = full % numbers[place]
    for place in np.flatnonzero(values == np.rint(values)).tolist():
        if "e" not in texts[place] and "." not in texts[place]:
            texts[place] += ".0"
    for place in np.flatnonzero(~np.isfinite(values)).tolist():
        texts[place] = _not_finite(numbers[place])
    return texts


def _not_finite(number: float) -> str:
    if np.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"
