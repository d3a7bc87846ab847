"""Streamed rows agree with training's in every bit or not at all."""

import numpy as np

from benchmarks.parity import bitwise
from benchmarks.parity_stream import Rows
from training.dataset import Dataset

TINY = np.nextafter(2.0, 3.0)


def dataset(ids: list[int], values: list[float]) -> Dataset:
    count = len(ids)
    whole = np.zeros(count, np.int64)
    features = np.array(values).reshape(count, 1)
    return Dataset(features, np.zeros(count, np.bool_), np.array(ids), whole, whole)


def test_a_row_agrees_when_it_is_there_once_with_the_same_bits() -> None:
    theirs = dataset([5, 1, 3, 4], [5.0, 1.0, 3.0, 0.0])
    ours = Rows(
        np.array([1, 3, 3, 4, 5, 9]), np.array([[1.0], [3.0], [3.0], [-0.0], [5.0], [9.0]]), 1.0
    )
    assert bitwise(ours, theirs).tolist() == [True, False, False, False, True, False]


def test_the_smallest_difference_is_one() -> None:
    ours = Rows(np.array([2]), np.array([[TINY]]), 1.0)
    assert bitwise(ours, dataset([2], [2.0])).tolist() == [False]
