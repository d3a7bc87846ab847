"""Items made ahead in a thread: order, bound, errors, and an end that leaves nothing behind."""

import threading
from collections.abc import Callable, Generator

import pytest

from training.archived.ahead import ahead
from udfs.errors import DataError

DEADLINE_S = 10.0
DEPTH = 3
Numbers = Generator[int, None, None]


class Made:
    """Numbers from 0 on; notes what was made, and whether it was closed."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.closed = False
        self.second = threading.Event()

    def items(self, count: int) -> Numbers:
        """The numbers below a count."""
        try:
            for number in range(count):
                self.numbers.append(number)
                if number:
                    self.second.set()
                yield number
        finally:
            self.closed = True


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ahead")]


def test_items_are_made_while_one_is_being_used_and_never_too_many() -> None:
    made = Made()
    used = 0
    for number in ahead(made.items(50), DEPTH):
        assert made.second.wait(DEADLINE_S)  # while the first one is here
        assert number == used
        used += 1
        assert len(made.numbers) <= used + DEPTH
    assert (used, made.closed, threads()) == (50, True, [])


def test_an_error_comes_where_the_item_would_have_come() -> None:
    def items() -> Numbers:
        yield 1
        raise DataError("the file is damaged")

    found = ahead(items(), DEPTH)
    assert next(found) == 1
    with pytest.raises(DataError, match="damaged"):
        next(found)
    assert threads() == []


def closed(found: Numbers) -> None:
    found.close()


def interrupted(found: Numbers) -> None:
    with pytest.raises(KeyboardInterrupt):
        found.throw(KeyboardInterrupt)


@pytest.mark.parametrize("end", [closed, interrupted])
def test_an_end_before_the_last_item_closes_the_items_and_ends_the_thread(
    end: Callable[[Numbers], None],
) -> None:
    made = Made()
    found = ahead(made.items(1_000), DEPTH)
    next(found)
    end(found)
    assert made.closed
    assert len(made.numbers) <= DEPTH + 1
    assert threads() == []
