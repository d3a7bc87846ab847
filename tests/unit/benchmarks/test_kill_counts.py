"""The kill test's counts find what is missing, doubled or changed."""

from collections import Counter

import numpy as np

from benchmarks.kill.job import Checkpoints
from benchmarks.kill.outputs import FeatureRows, Predictions, place
from benchmarks.kill.records import expected_reasons
from benchmarks.kill.verdict import Verdict, differences
from udfs.records import Reason


def rows(*values: tuple[int, int]) -> FeatureRows:
    """Feature rows of (place, bits)."""
    table = np.array(values, np.int64)
    return FeatureRows(table[:, 0], table[:, 1:])


def test_missing_and_extra_are_told_apart() -> None:
    inputs, outputs = np.array([1, 2, 3, 4]), np.array([1, 1, 3, 4, 9])
    assert differences(inputs, outputs) == (1, 2)


def test_feature_rows_are_equal_only_once_and_bit_for_bit() -> None:
    ours = rows((1, 10), (2, 20), (3, 30), (4, 40), (4, 40))
    theirs = rows((1, 10), (2, 21), (4, 40), (5, 50))
    assert (ours.equal(theirs), theirs.equal(ours), ours.equal(ours)) == (1, 1, 3)


def test_predictions_before_a_kill_are_those_before_the_ends_of_each_partition() -> None:
    written = np.array([place(0, 3), place(0, 4), place(1, 0), place(1, 9)])
    found = Predictions(np.arange(4), np.arange(4), written, {})
    assert found.before({0: 4, 1: 9}) == 2


def test_checkpoints_before_the_recovery_do_not_count() -> None:
    checkpoints = Checkpoints(1, 100, {90: 120, 110: 130, 140: 150})
    assert checkpoints.since_restore() == [130, 150]


def test_whatever_does_not_hold_is_told() -> None:
    expected = expected_reasons(Counter(empty_value=1, null_value=1))
    good = Verdict(5, 3, 2, 0, 0, 0, 0, {Reason.EMPTY: 2}, {})
    bad = Verdict(5, 3, 2, 1, 1, 1, 1, {Reason.EMPTY: 1, Reason.SCHEMA: 1}, {})
    assert (good.wrong(expected), len(bad.wrong(expected))) == ([], 5)
