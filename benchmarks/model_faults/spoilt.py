"""Answers that no model should give, each with the reason it has to be refused for."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.client import tensors, wire

Spoil = Callable[[bytes], bytes]


def _changed(change: Callable[[NDArray[Any]], NDArray[Any] | None]) -> Spoil:
    """An answer whose score is changed, or left out."""

    def spoil(reply: bytes) -> bytes:
        response = wire.PredictResponse.FromString(reply)
        score = change(tensors.decode(response.outputs["score"]).copy())
        del response.outputs["score"]
        if score is not None:
            tensors.encode(score, response.outputs["score"])
        serialised: bytes = response.SerializeToString()
        return serialised

    return spoil


def _with_first(value: float) -> Callable[[NDArray[Any]], NDArray[Any]]:
    def change(score: NDArray[Any]) -> NDArray[Any]:
        score[0] = value
        return score

    return change


def _without_version(reply: bytes) -> bytes:
    response = wire.PredictResponse.FromString(reply)
    response.model_spec.ClearField("version")
    serialised: bytes = response.SerializeToString()
    return serialised


SPOILT: tuple[tuple[str, Spoil], ...] = (
    ("not_finite", _changed(_with_first(float("nan")))),
    ("not_finite", _changed(_with_first(float("inf")))),
    ("not_finite", _changed(lambda score: score * np.float32("nan"))),
    ("wrong_rows", _changed(lambda score: score[:-1])),
    ("wrong_rows", _changed(lambda score: np.concatenate([score, score]))),
    ("wrong_shape", _changed(lambda score: score.reshape(-1, 1))),
    ("wrong_dtype", _changed(lambda score: score.astype(np.float64))),
    ("missing_output", _changed(lambda score: None)),
    ("bad_reply", _without_version),
    ("bad_reply", lambda reply: b"\xff" + reply),
)
"""Reasons, and what makes an answer deserve them."""
