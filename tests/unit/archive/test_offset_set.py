"""Sets of offsets, compared with Python's own sets."""

import numpy as np
import pytest

from millrace.archive.offset_set import OffsetSet, shown
from udfs.errors import DataError


def offset_set(base: int, offsets: list[int]) -> OffsetSet:
    found = OffsetSet(base)
    found.add(np.array(offsets[: len(offsets) // 2], dtype=np.int64))
    found.add(np.array(offsets[len(offsets) // 2 :], dtype=np.int64))
    return found


def expanded(ranges: list[tuple[int, int]]) -> list[int]:
    return [offset for first, last in ranges for offset in range(first, last + 1)]


@pytest.mark.parametrize("seed", range(5))
def test_it_counts_as_a_set_does(seed: int) -> None:
    draw = np.random.default_rng(seed)
    here = draw.integers(1_000, 1_400, size=300).tolist()
    there = draw.integers(1_000, 1_200, size=100).tolist()
    found, other = offset_set(1_000, here), offset_set(1_000, there)
    assert expanded(list(found.present())) == sorted(set(here))
    assert expanded(list(found.absent(1_000, 1_500))) == sorted({*range(1_000, 1_500)} - {*here})
    assert expanded(list(found.without(other))) == sorted({*here} - {*there})
    assert (found.rows, found.end) == (300, max(here) + 1)
    assert found.repeated == sum(here.count(offset) > 1 for offset in set(here))
    assert found.within(1_100, 1_200) == len({*here} & {*range(1_100, 1_200)})


def test_bounds_outside_of_what_came_are_absent() -> None:
    found = offset_set(10, [10, 11])
    assert list(found.absent(5, 14)) == [(5, 9), (12, 13)]
    assert (9 in found, 10 in found, 10**9 in found) == (False, True, False)


def test_a_gap_wider_than_the_first_capacity_fits() -> None:
    found = offset_set(0, [0, 1_000_000])
    assert (list(found.present()), found.within(0, 10**6)) == ([(0, 0), (10**6, 10**6)], 1)


def test_more_copies_than_a_byte_counts_are_still_more_than_one() -> None:
    assert list(offset_set(0, [3] * 1_000).repeats()) == [(3, 3)]


def test_an_offset_below_the_base_is_refused() -> None:
    with pytest.raises(DataError, match="offset 4 is below 5"):
        offset_set(5, [4, 6])


def test_a_report_shows_the_first_ten() -> None:
    assert shown(iter([(n, n) for n in range(20)])) == [(n, n) for n in range(10)]
