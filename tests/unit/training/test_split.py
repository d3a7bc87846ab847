"""Splits in time keep the label delay, and leave out who is known as defrauded."""

from datetime import timedelta

import numpy as np
import pytest

from training.dataset import Dataset
from training.split import Period, split_before, without_known_positives
from udfs.errors import ConfigurationError

DAY_MS = 86_400_000
WEEK = timedelta(days=7)


def rows(*triples: tuple[float, int, bool]) -> Dataset:
    """A data set from (day, card, fraud)."""
    days, cards, labels = zip(*triples, strict=True)
    n = len(triples)
    return Dataset(
        features=np.zeros((n, 1)),
        labels=np.array(labels),
        business_ids=np.arange(n),
        entity_keys=np.array(cards),
        times_ms=np.array([int(day * DAY_MS) for day in days]),
    )


def test_the_label_delay_lies_between_training_and_test() -> None:
    split = split_before(100 * DAY_MS, start_ms=0, label_delay=WEEK, train_days=20, test_days=5)
    assert split.known == Period(68 * DAY_MS, 88 * DAY_MS)
    assert split.test == Period(95 * DAY_MS, 100 * DAY_MS)
    assert split.train.end_ms == split.validation.start_ms == 84 * DAY_MS


def test_all_days_are_trained_on_when_none_are_named() -> None:
    split = split_before(100 * DAY_MS, start_ms=DAY_MS, label_delay=WEEK, train_days=None)
    assert split.train.start_ms == DAY_MS


@pytest.mark.parametrize(("days", "train_days"), [(14, None), (20, 7), (3, None)])
def test_data_that_is_too_short_is_refused(days: int, train_days: int | None) -> None:
    with pytest.raises(ConfigurationError, match="the data spans"):
        split_before(days * DAY_MS, start_ms=0, label_delay=WEEK, train_days=train_days)


def test_a_period_excludes_its_end() -> None:
    assert Period(DAY_MS, 2 * DAY_MS).of(
        rows((0.9, 1, False), (1, 1, False), (2, 1, False))
    ).tolist() == [
        False,
        True,
        False,
    ]


def test_cards_known_as_defrauded_are_left_out_from_the_day_after_their_label() -> None:
    data = rows(
        (2.5, 1, True),  # in the training period: known at once
        (10.5, 2, True),  # in the delay: its label comes on day 17, known on day 18
        (10.6, 3, False),
        (17.0, 1, False),
        (17.9, 2, False),
        (17.9, 3, True),  # its own label is not there yet
        (18.0, 2, False),
        (18.1, 3, False),
    )
    known, test = Period(0, 10 * DAY_MS), Period(17 * DAY_MS, 24 * DAY_MS)
    kept = without_known_positives(data, test.of(data), known, WEEK)
    assert data.business_ids[kept].tolist() == [4, 5, 7]


def test_frauds_before_the_training_period_do_not_count() -> None:
    data = rows((1, 1, True), (20, 1, False))
    kept = without_known_positives(
        data, np.array([False, True]), Period(5 * DAY_MS, 10 * DAY_MS), WEEK
    )
    assert kept.tolist() == [False, True]
