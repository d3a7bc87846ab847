"""Byte strings of an archive's columns, taken over in one piece."""

import pyarrow as pa
import pytest

from training.archived.cleaned import slices


@pytest.mark.parametrize("items", [[b"7", None, b"12", b"", b"x" * 40], [None, None], [b""], []])
def test_each_part_of_a_column_is_what_arrow_says(items: list[bytes | None]) -> None:
    column = pa.array(items, pa.binary())
    for start in range(len(items) + 1):
        for length in range(len(items) - start + 1):
            part = column.slice(start, length)
            assert list(slices(part)) == part.to_pylist() == items[start : start + length]


def test_a_filtered_column_is_taken_over_as_it_is() -> None:
    column = pa.array([b"1", None, b"22", b"333"], pa.binary())
    kept = column.filter(pa.array([False, True, False, True]))
    assert list(slices(kept)) == [None, b"333"]
