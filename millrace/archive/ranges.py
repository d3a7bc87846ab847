"""Ranges of offsets: both ends belong to them."""

from collections.abc import Iterable, Iterator

Range = tuple[int, int]
"""First and last offset, both included."""


def within(ranges: Iterable[Range], start: int, end: int) -> list[Range]:
    """The parts of ranges from `start` on and below `end`.

    >>> within([(0, 4), (6, 9)], 3, 8)
    [(3, 4), (6, 7)]
    """
    cut = ((max(a, start), min(b, end - 1)) for a, b in ranges)
    return [(a, b) for a, b in cut if a <= b]


def size(ranges: Iterable[Range]) -> int:
    """How many offsets there are in ranges that do not overlap."""
    return sum(b - a + 1 for a, b in ranges)


def joined(ranges: Iterable[Range]) -> list[Range]:
    """The same offsets in as few ranges as there can be, ascending.

    >>> joined([(5, 6), (0, 2), (3, 3), (2, 3)])
    [(0, 3), (5, 6)]
    """
    found: list[Range] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return found


def without(ranges: Iterable[Range], others: Iterable[Range]) -> Iterator[Range]:
    """The parts of ranges that are in none of the others; both ascending and without overlap.

    >>> list(without([(0, 9), (20, 29)], [(3, 4), (8, 21), (29, 40)]))
    [(0, 2), (5, 7), (22, 28)]
    """
    left = iter(others)
    other = next(left, None)
    for first, last in ranges:
        begin = first
        while other is not None and other[0] <= last:
            if other[0] > begin:
                yield begin, other[0] - 1
            begin = max(begin, other[1] + 1)
            if other[1] > last:
                break  # it may reach into the next range
            other = next(left, None)
        if begin <= last:
            yield begin, last
