"""Measures equal their definitions on small random data with ties."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.evaluate import average_precision, best_f1_threshold, card_precision, roc_auc

DAY_MS = 86_400_000


def examples(seed: int) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    labels = rng.random(60) < 0.3
    scores = (rng.integers(0, 12, 60) + 3 * labels).astype(np.float32)  # many ties
    return labels, scores


@pytest.mark.parametrize("seed", range(5))
def test_roc_auc_is_the_share_of_pairs_in_order(seed: int) -> None:
    labels, scores = examples(seed)
    difference = scores[labels][:, None] - scores[~labels][None, :]
    expected = np.mean((difference > 0) + 0.5 * (difference == 0))
    assert roc_auc(labels, scores) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_sums_over_distinct_thresholds(seed: int) -> None:
    labels, scores = examples(seed)
    expected, recall_before = 0.0, 0.0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        decided = scores >= threshold
        recall = np.sum(decided & labels) / np.sum(labels)
        expected += (recall - recall_before) * np.mean(labels[decided])
        recall_before = recall
    assert average_precision(labels, scores) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_has_a_higher_f1(seed: int) -> None:
    labels, scores = examples(seed)

    def f1(threshold: float) -> float:
        decided = scores >= threshold
        return float(2 * np.sum(decided & labels) / (np.sum(decided) + np.sum(labels)))

    best = f1(best_f1_threshold(labels, scores))
    assert best == max(f1(threshold) for threshold in scores.tolist())


def test_measures_without_positives_are_not_a_number() -> None:
    nothing, scores = np.zeros(3, dtype=bool), np.array([0.1, 0.2, 0.3])
    assert np.isnan([roc_auc(nothing, scores), average_precision(nothing, scores)]).all()


def test_a_card_counts_once_a_day_by_its_highest_score() -> None:
    labels = np.array([True, False, False, True])
    scores = np.array([0.9, 0.1, 0.5, 0.2])
    cards, times = np.array([1, 1, 2, 3]), np.array([0, 1, 2, 3])
    assert card_precision(labels, scores, cards, times, top=2) == 0.5


def test_a_found_card_is_not_shown_again_on_later_days() -> None:
    labels = np.array([True, True, True])
    scores = np.array([0.9, 0.9, 0.1])
    cards, times = np.array([1, 1, 2]), np.array([0, DAY_MS, DAY_MS])
    # Day one finds card 1; on day two it is blocked, so card 2 is the one shown.
    assert card_precision(labels, scores, cards, times, top=1) == 1.0
