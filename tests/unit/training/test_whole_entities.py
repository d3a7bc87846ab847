"""Machines are split as wholes, by the time of their last record."""

import numpy as np

from training.dataset import Dataset
from training.split import Period, by_last_record


def test_a_period_holds_all_records_of_those_that_end_in_it() -> None:
    keys, times = np.array([1, 2, 1, 2, 3]), np.array([10, 20, 30, 60, 70])
    data = Dataset(np.zeros((5, 1)), np.zeros(5), np.arange(5), keys, times)
    early = Period(0, 50).of(by_last_record(data))
    assert early.tolist() == [True, False, True, False, False]
