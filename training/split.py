"""Splits in time: train, wait for the labels, test.

The protocol is that of the Fraud Detection Handbook, chapter 3: labels arrive with a delay, so
between the last training record and the first test record lies that delay; and an entity whose
fraud is known by then (a card that is blocked) is no longer tested.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset
from udfs.errors import ConfigurationError

TEST_DAYS = 7
"""Days of the test, at the end of the data."""

_DAY_MS = 86_400_000
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Period:
    """Event times in [start_ms, end_ms)."""

    start_ms: int
    end_ms: int

    def of(self, data: Dataset) -> NDArray[np.bool_]:
        """Which rows lie in the period; bool (n,)."""
        inside: NDArray[np.bool_] = (data.times_ms >= self.start_ms) & (data.times_ms < self.end_ms)
        return inside


@dataclass(frozen=True)
class Split:
    """Where training, validation and test lie; the label delay lies before the test.

    The validation period is the end of the training period, and not trained on.
    """

    train: Period
    validation: Period
    test: Period

    @property
    def known(self) -> Period:
        """Training and validation together: what the model may have seen."""
        return Period(self.train.start_ms, self.validation.end_ms)


def split_before(
    end_ms: int,
    *,
    start_ms: int,
    label_delay: timedelta,
    train_days: int | None,
    test_days: int = TEST_DAYS,
    validation_share: float = 0.2,
) -> Split:
    """The split whose test days end at `end_ms`.

    Args:
        end_ms: end of the data.
        start_ms: start of the data.
        label_delay: between the end of the training period and the test.
        train_days: days of training and validation; all there are when None.
        test_days: days of the test.
        validation_share: share of the training period, at its end, that chooses the threshold.

    Raises:
        ConfigurationError: the data is too short for that.

    >>> day = 86_400_000
    >>> split = split_before(30 * day, start_ms=0, label_delay=timedelta(days=7), train_days=10)
    >>> [period.start_ms // day for period in (split.train, split.validation, split.test)]
    [6, 14, 23]
    """
    test = Period(end_ms - test_days * _DAY_MS, end_ms)
    train_end = test.start_ms - label_delay // _MILLISECOND
    train_start = start_ms if train_days is None else train_end - train_days * _DAY_MS
    if train_start < start_ms or train_end - train_start < _DAY_MS:
        have = (end_ms - start_ms) / _DAY_MS
        need = test_days + label_delay / timedelta(days=1) + (train_days or 1)
        raise ConfigurationError(
            f"the data spans {have:.1f} days; training, the label delay and {test_days} days of "
            f"test need {need:.0f}"
        )
    cut = train_end - round((train_end - train_start) * validation_share)
    return Split(Period(train_start, cut), Period(cut, train_end), test)


def by_last_record(data: Dataset) -> Dataset:
    """The rows at the time of their entity's last record, when the labels of all are known.

    A period of them holds whole entities.
    """
    entities, place = np.unique(data.entity_keys, return_inverse=True)
    last = np.zeros(len(entities), dtype=np.int64)
    np.maximum.at(last, place, data.times_ms)
    return replace(data, times_ms=last[place])


def without_known_positives(
    data: Dataset, rows: NDArray[np.bool_], known: Period, label_delay: timedelta
) -> NDArray[np.bool_]:
    """`rows` less those of entities known as positive by then; bool (n,).

    Known are all positives of the period `known`, and on each UTC day those whose label
    had arrived when the day began.

    Args:
        data: n rows in event-time order.
        rows: the rows that are tested, bool (n,).
        known: the training period.
        label_delay: from a record to its label.
    """
    positive = data.labels & (data.times_ms >= known.start_ms)
    times, keys = data.times_ms[positive], data.entity_keys[positive]
    known_from = np.where(times < known.end_ms, known.end_ms, times + label_delay // _MILLISECOND)
    entities, place = np.unique(keys, return_inverse=True)
    first = np.full(len(entities) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, place, known_from)
    slot = np.searchsorted(entities, data.entity_keys)
    slot[~np.isin(data.entity_keys, entities)] = len(entities)
    day_start = data.times_ms - data.times_ms % _DAY_MS
    kept: NDArray[np.bool_] = rows & (first[slot] > day_start)
    return kept
