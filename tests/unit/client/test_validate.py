"""What an answer has to hold."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from udfs.client.outcomes import Answer, Failure, FailureReason
from udfs.client.validate import checked

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
    ("output", "message"),
    [
        pytest.param(np.array([0.5], _F), "has shape (1,) instead of (2,)", id="rows"),
        pytest.param(np.array([[0.5], [1]], _F), "has shape (2, 1) instead of (2,)", id="rank"),
        pytest.param(np.array([0.5, 1.0]), "is float64 instead of float32", id="dtype"),
        pytest.param(np.array([np.nan, 1], _F), "holds 1 value that is not finite", id="nan"),
        pytest.param(
            np.array([np.inf, -np.inf], _F), "holds 2 values that are not finite", id="infinite"
        ),
    ],
)
def test_output_that_does_not_fit_is_a_bad_reply(output: NDArray[Any], message: str) -> None:
    expected = Failure(
        FailureReason.BAD_REPLY, f"fraud version 3: output score {message}", retryable=False
    )
    assert checked(answer(output), "score", (2,), _F) == expected


def test_missing_output_is_a_bad_reply_that_names_the_others() -> None:
    found = checked(answer(np.array([0.5], _F)), "odds", (1,), _F)
    assert isinstance(found, Failure)
    assert found.message == "fraud version 3: output odds is missing; there are score"
