"""Checks that an answer holds what the caller asked for."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from udfs.client.outcomes import Answer, Failure, bad_reply


def checked(
    answer: Answer, name: str, shape: tuple[int, ...], dtype: DTypeLike
) -> NDArray[Any] | Failure:
    """The output `name` of this shape and dtype, or a failure that says what is off.

    Floating point values have to be finite.

    >>> answer = Answer({"score": np.array([0.5, np.nan], np.float32)}, "fraud", 3, "s")
    >>> checked(answer, "score", (2,), np.float32).message
    'fraud version 3: output score holds 1 value that is not finite'
    >>> checked(answer, "score", (1,), np.float32).message
    'fraud version 3: output score has shape (2,) instead of (1,)'
    """
    output = answer.outputs.get(name)
    wrong = _missing(answer, name) if output is None else _wrong(output, shape, np.dtype(dtype))
    if output is None or wrong:
        return bad_reply(f"{answer.model_name} version {answer.version}: output {name} {wrong}")
    return output


def _missing(answer: Answer, name: str) -> str:
    return f"is missing; there are {', '.join(sorted(answer.outputs)) or 'none'}"


def _wrong(output: NDArray[Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> str | None:
    if output.dtype != dtype:
        return f"is {output.dtype} instead of {dtype}"
    if output.shape != shape:
        return f"has shape {output.shape} instead of {shape}"
    if dtype.kind in "fc" and not np.isfinite(output).all():
        count = int(output.size - np.isfinite(output).sum())
        return f"holds {count} {'value that is' if count == 1 else 'values that are'} not finite"
    return None
