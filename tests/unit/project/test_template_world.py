"""The template's live traffic is of the world of its history: a model knows what it is shown."""

from itertools import islice

import numpy as np
import pytest
from newcase.use_case import USE_CASE
from newcase.world import DAY_MS, HOUR_MS, generate, live

from training.dataset import Dataset, build
from training.models.binary import BinaryModel, fit
from training.models.fitted import FitOptions
from training.split import split_before
from udfs.use_cases.contract import DECISION

NOW_MS = 20_000 * DAY_MS + 12 * HOUR_MS
TRAINED_DAYS = 45
# As in a demo: trained on fewer records a day than are replayed before live traffic.
TRAINED_A_DAY, REPLAYED_A_DAY, REPLAYED_DAYS = 2_222, 5_000, 8
LIVE_RATE, LIVE_MINUTES = 50.0, 5


@pytest.fixture(scope="module")
def history() -> Dataset:
    """What a model is trained and tested on."""
    span_ms, count = TRAINED_DAYS * DAY_MS, TRAINED_DAYS * TRAINED_A_DAY
    return build(USE_CASE, generate(1, NOW_MS - span_ms, count, span_ms))


@pytest.fixture(scope="module")
def live_rows() -> Dataset:
    """Minutes of live traffic, over the windows that a replayed history has filled."""
    span_ms, count = REPLAYED_DAYS * DAY_MS, REPLAYED_DAYS * REPLAYED_A_DAY
    replayed = generate(1, NOW_MS - span_ms, count, span_ms)
    sent = islice(live(1, NOW_MS, LIVE_RATE), int(LIVE_RATE * 60 * LIVE_MINUTES))
    return build(USE_CASE, [*replayed, *sent], since_ms=NOW_MS)


def recall_and_precision(model: BinaryModel, rows: Dataset) -> tuple[float, float]:
    found = model.outputs(rows.features.astype(np.float32))[DECISION.tensor]
    right = np.count_nonzero(found & rows.labels)
    return right / np.count_nonzero(rows.labels), right / np.count_nonzero(found)


def test_the_model_decides_live_as_well_as_in_its_own_test(
    history: Dataset, live_rows: Dataset
) -> None:
    split = split_before(
        NOW_MS,
        start_ms=NOW_MS - TRAINED_DAYS * DAY_MS,
        label_delay=USE_CASE.label_delay,
        train_days=None,
    )
    train, validation = history[split.train.of(history)], history[split.validation.of(history)]
    model = fit(train, validation, USE_CASE.model, FitOptions(12, 1), lambda *_: None)
    tested = recall_and_precision(model, history[split.test.of(history)])
    lived = recall_and_precision(model, live_rows)
    assert min(tested) > 0.8
    assert min(np.subtract(lived, tested)) > -0.1, (lived, tested)


# A few live minutes are either night or not.
@pytest.mark.parametrize("name", [name for name in USE_CASE.spec.names if name != "night"])
def test_a_feature_of_live_traffic_is_spread_as_in_history(
    name: str, history: Dataset, live_rows: Dataset
) -> None:
    place = USE_CASE.spec.names.index(name)
    known = history[history.times_ms >= NOW_MS - 7 * DAY_MS]
    shares = [0.1, 0.25, 0.5, 0.75, 0.9]
    then, now = (np.quantile(rows.features[:, place], shares) for rows in (known, live_rows))
    assert np.allclose(now, then, rtol=0.15), (now, then)
