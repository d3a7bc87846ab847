"""What an answer has to hold."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from udfs.client.outcomes import Answer, Failure, FailureReason
from udfs.client.validate import checked, not_finite

_F = np.float32


def answer(output: NDArray[Any]) -> Answer:
    return Answer({"score": output}, "fraud", 3, "serving_default")


@pytest.mark.parametrize(
    "output",
    [
        pytest.param(np.array([0.5, 1.0], _F), id="floats"),
        pytest.param(np.array([True, False]), id="bools"),
        pytest.param(np.array([b"a", b"b"], object), id="strings"),
    ],
)
def test_fitting_output_is_handed_over(output: NDArray[Any]) -> None:
    assert checked(answer(output), "score", (2,), output.dtype) is output


@pytest.mark.parametrize(
    ("output", "reason", "message"),
    [
        pytest.param(np.array([0.5], _F), "wrong_rows", "has 1 rows instead of 2", id="rows"),
        pytest.param(
            np.array([[0.5], [1]], _F), "wrong_shape", "has shape (2, 1) instead of (2,)", id="rank"
        ),
        pytest.param(np.array(0.5, _F), "wrong_shape", "has shape () instead of (2,)", id="scalar"),
        pytest.param(
            np.array([0.5, 1.0]), "wrong_dtype", "is float64 instead of float32", id="dtype"
        ),
    ],
)
def test_output_that_does_not_fit_is_a_failure_with_its_reason(
    output: NDArray[Any], reason: str, message: str
) -> None:
    expected = Failure(FailureReason(reason), f"fraud version 3: output score {message}")
    assert checked(answer(output), "score", (2,), _F) == expected


def test_missing_output_is_a_failure_that_names_the_others() -> None:
    found = checked(answer(np.array([0.5], _F)), "odds", (1,), _F)
    assert found == Failure(
        FailureReason.MISSING_OUTPUT, "fraud version 3: output odds is missing; there are score"
    )


@pytest.mark.parametrize(
    ("output", "rows"),
    [
        pytest.param(np.array([0.5, 1.0], _F), None, id="finite"),
        pytest.param(np.array([np.nan, 1.0], _F), [True, False], id="nan"),
        pytest.param(np.array([np.inf, -np.inf], _F), [True, True], id="infinite"),
        pytest.param(np.array([[1, 2], [3, -np.inf]], _F), [False, True], id="in a list"),
        pytest.param(np.array([1, 2]), None, id="integers"),
        pytest.param(np.empty(0, _F), None, id="no row"),
    ],
)
def test_rows_that_are_not_finite_are_found(output: NDArray[Any], rows: list[bool] | None) -> None:
    found = not_finite(output)
    assert (None if found is None else found.tolist()) == rows
