"""How well scores rank: three measures, each from its definition.

They are those of the Fraud Detection Handbook, chapter 4: area under the ROC curve, average
precision, and card precision@k, the share of truly defrauded cards among the k cards that an
investigator is shown each day.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset
from udfs.use_cases.contract import DECISION, SCORE

_DAY_MS = 86_400_000

Scores = NDArray[np.float32] | NDArray[np.float64]


def roc_auc(labels: NDArray[np.bool_], scores: Scores) -> float:
    """The chance that a positive scores above a negative, ties counting half; nan without both.

    >>> roc_auc(np.array([False, True, False, True]), np.array([0.1, 0.4, 0.4, 0.8]))
    0.875
    """
    positives = int(np.sum(labels))
    negatives = len(labels) - positives
    if not positives or not negatives:
        return float("nan")
    _, place, ties = np.unique(scores, return_inverse=True, return_counts=True)
    rank = np.cumsum(ties) - (ties - 1) / 2  # of equal scores, the mean of their ranks
    above = np.sum(rank[place][labels]) - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def average_precision(labels: NDArray[np.bool_], scores: Scores) -> float:
    """Precision averaged over the recall that each threshold adds; nan without positives.

    >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]))
    0.8333333333333333
    """
    precision, recall, _ = precision_recall(labels, scores)
    if not np.any(labels):
        return float("nan")
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def precision_recall(
    labels: NDArray[np.bool_], scores: Scores
) -> tuple[NDArray[np.float64], NDArray[np.float64], Scores]:
    """Precision and recall when all scores from a threshold on are decided as true.

    Returns:
        Precision (t,), recall (t,) and the thresholds (t,): the distinct scores, descending.

    >>> precision, recall, thresholds = precision_recall(
    ...     np.array([True, False, True]), np.array([0.9, 0.7, 0.7]))
    >>> thresholds.tolist(), precision.round(2).tolist(), recall.tolist()
    ([0.9, 0.7], [1.0, 0.67], [0.5, 1.0])
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # the end of each tie
    hits = np.cumsum(labels[order])[last]
    recall = hits / max(int(np.sum(labels)), 1)
    return hits / (last + 1), recall, ranked[last]


def best_f1_threshold(labels: NDArray[np.bool_], scores: Scores) -> float:
    """The threshold with the highest F1, the harmonic mean of precision and recall.

    >>> best_f1_threshold(np.array([True, True, False, False]), np.array([0.9, 0.6, 0.3, 0.1]))
    0.6
    """
    precision, recall, thresholds = precision_recall(labels, scores)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    return float(thresholds[np.argmax(f1)])


def card_precision(
    labels: NDArray[np.bool_],
    scores: Scores,
    cards: NDArray[np.int64],
    times_ms: NDArray[np.int64],
    top: int = 100,
) -> float:
    """Mean over the UTC days of the share of defrauded cards among the day's `top` cards.

    A card's score is the highest of its day. A defrauded card that was among the top is blocked:
    it is left out on the days after. Days with fewer cards still divide by `top`.

    >>> card_precision(
    ...     np.array([True, False, True, False]), np.array([0.9, 0.1, 0.8, 0.7]),
    ...     np.array([1, 2, 1, 3]), np.array([0, 1, 86_400_000, 86_400_001]), top=1)
    0.5
    """
    day = times_ms // _DAY_MS
    blocked: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
    shares = []
    for one in np.unique(day):
        today = np.flatnonzero((day == one) & ~np.isin(cards, blocked))
        card, place = np.unique(cards[today], return_inverse=True)
        highest = np.full(len(card), -np.inf)
        np.maximum.at(highest, place, scores[today])
        defrauded = np.zeros(len(card), dtype=np.bool_)
        np.logical_or.at(defrauded, place, labels[today])
        shown = np.argsort(-highest, kind="stable")[:top]
        found = card[shown][defrauded[shown]]
        shares.append(len(found) / top)
        blocked = np.concatenate([blocked, found])
    return float(np.mean(shares))


def yes_or_no(test: Dataset, outputs: Mapping[str, NDArray[Any]]) -> dict[str, float]:
    """All measures of `score` (n,) and `decision` (n,) on n test rows with yes-or-no labels."""
    scores, decisions = outputs[SCORE.tensor], outputs[DECISION.tensor]
    hits = int(np.sum(test.labels & decisions))
    cards = card_precision(test.labels, scores, test.entity_keys, test.times_ms)
    return {
        "auc_roc": roc_auc(test.labels, scores),
        "average_precision": average_precision(test.labels, scores),
        "card_precision_at_100": cards,
        "decision_precision": hits / max(int(np.sum(decisions)), 1),
        "decision_recall": hits / max(int(np.sum(test.labels)), 1),
        "decision_share": float(np.mean(decisions)),
    }
