"""Choices that boosted trees leave to held-out labels: how many trees, and which threshold."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluate import precision_recall

_TINY = 1e-7


def between_scores(labels: NDArray[np.bool_], scores: NDArray[Any]) -> float:
    """The threshold with the highest F1, halfway to the next lower score.

    Trees give the same score to many rows; a threshold on one would let the last bit decide.

    >>> between_scores(np.array([True, True, False]), np.array([0.9, 0.6, 0.4]))
    0.5
    """
    precision, recall, thresholds = precision_recall(labels, scores)
    both = np.maximum(precision + recall, _TINY)
    best = int(np.argmax(2 * precision * recall / both))
    following = thresholds[best + 1] if best + 1 < len(thresholds) else 0.0
    return float((thresholds[best] + following) / 2)


def best_stage(
    booster: Any, columns: NDArray[np.float32], labels: NDArray[np.bool_]
) -> tuple[int, NDArray[np.float64]]:
    """How many trees predict the labels best by their likelihood, and the scores of so many."""
    best, count, scores = np.inf, 0, np.zeros(len(labels))
    for stage, given in enumerate(booster.staged_predict_proba(columns), start=1):
        likely = np.clip(np.where(labels, given[:, 1], given[:, 0]), _TINY, 1.0)
        loss = -float(np.mean(np.log(likely)))
        if loss < best:
            best, count, scores = loss, stage, given[:, 1]
    return count, scores
