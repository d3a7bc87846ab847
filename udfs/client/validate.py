"""Checks that an answer holds what the caller asked for."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from udfs.client.outcomes import Answer, Failure, FailureReason, bad_reply

_R = FailureReason


def checked(
    answer: Answer, name: str, shape: tuple[int, ...], dtype: DTypeLike
) -> NDArray[Any] | Failure:
    """The output `name` of this shape and dtype, or a failure that says what is off.

    Whether its values are finite is a question of each row: `not_finite` answers it.

    >>> answer = Answer({"score": np.array([0.5, 0.5], np.float32)}, "fraud", 3, "s")
    >>> checked(answer, "score", (1,), np.float32).message
    'fraud version 3: output score has 2 rows instead of 1'
    """
    output = answer.outputs.get(name)
    if output is None:
        named = ", ".join(sorted(answer.outputs)) or "none"
        wrong = (_R.MISSING_OUTPUT, f"is missing; there are {named}")
    else:
        found = _wrong(output, shape, np.dtype(dtype))
        if found is None:
            return output
        wrong = found
    reason, text = wrong
    return bad_reply(f"{answer.model_name} version {answer.version}: output {name} {text}", reason)


def not_finite(output: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Rows that hold NaN or an infinity, bool (n,); None when there is none.

    >>> not_finite(np.array([[0.5, 1.0], [np.nan, 1.0]], np.float32))
    array([False,  True])
    >>> not_finite(np.array([0.5, 1.0], np.float32)) is None
    True
    """
    if output.dtype.kind not in "fc":
        return None
    finite = np.isfinite(output)
    if finite.all():
        return None
    rows: NDArray[np.bool_] = ~finite.reshape(len(output), -1).all(axis=1)
    return rows


def _wrong(
    output: NDArray[Any], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> tuple[FailureReason, str] | None:
    if output.dtype != dtype:
        return _R.WRONG_DTYPE, f"is {output.dtype} instead of {dtype}"
    if output.ndim and output.shape[1:] == shape[1:] and output.shape != shape:
        return _R.WRONG_ROWS, f"has {len(output)} rows instead of {shape[0]}"
    if output.shape != shape:
        return _R.WRONG_SHAPE, f"has shape {output.shape} instead of {shape}"
    return None
