"""Trees of scikit-learn as TensorFlow operations, and a model that is saved and read again."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from tests.unit.training.life_data import life_data, rows, wear
from training.models.fitted import FitOptions
from training.models.forest import Forest
from training.models.remaining_life import fit
from udfs.use_cases.maintenance import LONGEST_LIFE, MAINTENANCE, REMAINING_LIFE

COLUMNS = 6


@pytest.mark.parametrize(
    "shape",
    [{"max_depth": 1}, {"max_depth": 4, "max_leaf_nodes": 16}, {"max_leaf_nodes": 9}],
    ids=["stumps", "whole trees", "crooked trees"],
)
def test_a_forest_gives_the_sums_of_the_trees_it_was_made_of(shape: dict[str, int]) -> None:
    features = rows(2_000, seed=1, columns=COLUMNS)
    booster = HistGradientBoostingRegressor(max_iter=30, random_state=1, **shape)
    with threadpool_limits(1, "openmp"):
        booster.fit(features, wear(features))
    edges = np.array(
        [
            next(node["num_threshold"] for node in stage[0].nodes if not node["is_leaf"])
            for stage in booster._predictors
        ],
        np.float32,
    )
    # Values at and beside thresholds, where one wrong bit would take the other branch.
    close = np.concatenate(
        [edges, np.nextafter(edges, np.float32(9)), np.nextafter(edges, np.float32(-9))]
    )
    tried = np.concatenate([rows(500, seed=2, columns=COLUMNS), np.tile(close[:, None], COLUMNS)])
    given = Forest.of(booster).sums(tf.constant(tried)).numpy()
    assert given == pytest.approx(booster.predict(tried), rel=1e-5)


def test_a_saved_model_gives_what_the_fitted_one_gave(tmp_path: Path) -> None:
    signature = MAINTENANCE.model
    model = fit(life_data(1), life_data(2), signature, FitOptions(1, 1), lambda *_: None)
    features = life_data(3).features.astype(np.float32)
    given = model.outputs(features)[REMAINING_LIFE.tensor]
    model.save(tmp_path / "1")
    saved = tf.saved_model.load(str(tmp_path / "1")).signatures[signature.signature_name]
    served = saved(tf.constant(features))[REMAINING_LIFE.tensor].numpy()
    assert served.tolist() == given.tolist()
    assert 0 <= given.min() <= given.max() <= LONGEST_LIFE
    error = given - np.minimum(life_data(3).labels, LONGEST_LIFE)
    assert np.sqrt(np.mean(error**2)) < 15
