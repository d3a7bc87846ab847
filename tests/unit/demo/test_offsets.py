"""Every source offset has to be answered once: what is missing or comes twice is seen."""

import pytest

from millrace.demo.audit import Audit
from millrace.demo.offsets import Answered


@pytest.mark.parametrize(
    ("answers", "end", "expected"),
    [
        ([(0, 0), (1, 0), (0, 1)], {0: 2, 1: 1}, (0, 0, 0)),
        ([(0, 1)], {0: 3, 1: 2}, (4, 0, 0)),
        ([(0, 0), (0, 0), (0, 0)], {0: 1}, (0, 2, 0)),
        ([(0, 0), (0, 7), (3, 2)], {0: 1}, (0, 0, 2)),
        ([(0, 1_000_000)], {0: 1_000_001}, (1_000_000, 0, 0)),
        ([], {}, (0, 0, 0)),
    ],
    ids=["all", "missing", "twice", "beyond", "far", "none"],
)
def test_answers_are_compared_by_partition_and_offset(
    answers: list[tuple[int, int]], end: dict[int, int], expected: tuple[int, int, int]
) -> None:
    answered = Answered()
    for partition, offset in answers:
        answered.add(partition, offset)
    assert (answered.missing(end), answered.extra, answered.beyond(end)) == expected


@pytest.mark.parametrize(
    ("counted", "closes"),
    [
        (Audit(10, 9, 1, 0, 0), True),
        (Audit(10, 9, 0, 1, 0), False),
        (Audit(10, 10, 1, 0, 1), False),
        # One missing and another one twice: the sums alone would close.
        (Audit(10, 9, 1, 1, 1), False),
    ],
    ids=["all once", "missing", "twice", "sums hide it"],
)
def test_counts_close_only_offset_by_offset(counted: Audit, closes: bool) -> None:
    assert counted.closes is closes
