"""Boosted trees: what scikit-learn grew and what TensorFlow answers are the same."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from training.dataset import Dataset
from training.models import boosted, fraud
from training.models.fitted import FitOptions
from training.models.ranks import Ranks
from training.models.tensorflow_quiet import tf
from training.models.trees import Trees
from training.progress import silent
from udfs.errors import DataError
from udfs.use_cases.contract import ModelSignature
from udfs.use_cases.fraud import FRAUD

ROWS = 6_000


def rows(seed: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Columns of several kinds, and labels that hang together with a far end of the first."""
    rng = np.random.default_rng(seed)
    columns = np.column_stack(
        [rng.gamma(1, 30, ROWS), rng.integers(0, 2, ROWS), rng.normal(0, 1, ROWS)]
    )
    labels = (columns[:, 0] > 150) | (rng.random(ROWS) < 0.003)
    return columns.astype(np.float32), labels


def data_set(seed: int) -> Dataset:
    columns, labels = rows(seed)
    order = np.arange(ROWS)
    return Dataset(columns.astype(np.float64), labels, order, order, order)


@pytest.mark.parametrize("count", [1, 40])
def test_logits_are_those_of_scikit_learn(count: int) -> None:
    columns, labels = rows(1)
    ranks = Ranks.of(columns, labels)
    grown = HistGradientBoostingClassifier(max_iter=count, max_depth=3, early_stopping=False)
    grown.fit(ranks(columns), labels)
    other, _ = rows(2)
    found = Trees.of(grown, ranks.edges).logits(tf.constant(other)).numpy()
    assert np.abs(found - grown.decision_function(ranks(other))).max() < 1e-5


def test_trees_find_the_far_end_of_a_column() -> None:
    model = boosted.fit(data_set(1), data_set(2), FRAUD.model, FitOptions(10, 1), silent)
    answers = model.outputs(np.array([[149, 0, 0], [152, 0, 0]], np.float32))
    assert answers["decision"].tolist() == [False, True]


def test_a_row_has_one_score_in_any_batch() -> None:
    model = boosted.fit(data_set(1), data_set(2), FRAUD.model, FitOptions(10, 1), silent)
    columns, _ = rows(3)
    whole = model.score(columns)
    alone = np.array([model.score(columns[i : i + 1])[0] for i in range(64)])
    assert np.abs(whole[:64] - alone).max() <= 1e-6


def test_labels_of_one_kind_cannot_be_learnt() -> None:
    train, empty = data_set(1), data_set(2)
    none = Dataset(empty.features, empty.labels & False, *[empty.times_ms] * 3)
    with pytest.raises(DataError, match="the validation part has 0 positives"):
        boosted.fit(train, none, ModelSignature("m"), FitOptions(1, 1), silent)


def _payment(**features: float) -> NDArray[Any]:
    known = dict.fromkeys(FRAUD.spec.names, 1.0) | {"terminal_risk_7d": 0.0, **features}
    return np.array([[known[name] for name in FRAUD.spec.names]], np.float32)


def test_a_payment_stands_beside_what_the_card_spent_otherwise() -> None:
    # Three payments of 10, 10 and 100 in 30 days, the last of them the only one today.
    amounts = {"amount": 100.0, "customer_count_30d": 3.0, "customer_mean_amount_30d": 40.0}
    today = {"customer_count_1d": 1.0, "customer_mean_amount_1d": 100.0}
    week = {"customer_count_7d": 2.0, "customer_mean_amount_7d": 55.0}
    made = fraud.expand(tf.constant(_payment(**amounts, **today, **week))).numpy()
    day, of_week, month = made[0, len(FRAUD.spec.names) :][:3]
    assert [day, of_week, month] == pytest.approx([101 / 11] * 3)


def test_frauds_of_a_terminal_are_counted_and_their_share_is_drawn_to_the_usual() -> None:
    terminal = _payment(terminal_count_7d=3.0, terminal_risk_7d=1 / 3)
    made = fraud.expand(tf.constant(terminal)).numpy()[0, len(FRAUD.spec.names) :]
    assert made[7:9].tolist() == pytest.approx([1.0, 1.01 / 4])
