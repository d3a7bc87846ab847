"""Streamed rows agree with others in every bit or not at all."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.parity import bitwise

TINY = np.nextafter(2.0, 3.0)


def agreed(ours: dict[int, float], ids: list[int], values: list[float]) -> NDArray[np.bool_]:
    mine = np.array(list(ours)), np.array(list(ours.values())).reshape(-1, 1)
    return bitwise(*mine, np.array(ids), np.array(values).reshape(-1, 1))


def test_a_row_agrees_when_it_has_the_same_bits() -> None:
    ours = {1: 1.0, 4: -0.0, 5: 5.0, 9: 9.0}
    found = agreed(ours, [5, 1, 3, 4], [5.0, 1.0, 3.0, 0.0])
    assert found.tolist() == [True, False, True, False]


def test_a_row_that_is_there_twice_agrees_nowhere() -> None:
    one = np.array([[3.0], [3.0]])
    assert not bitwise(np.array([3, 3]), one, np.array([3]), one[:1]).any()


def test_the_smallest_difference_is_one() -> None:
    assert agreed({2: float(TINY)}, [2], [2.0]).tolist() == [False]
