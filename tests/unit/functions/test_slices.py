"""Byte strings of a block: cut out, chosen, joined and compared as lists of them would be."""

from random import Random

import numpy as np
import pytest

from udfs.functions.slices import Slices

STRINGS = [b"12", None, b"", b"-7", b"0", b"1" * 40, b"12"]


@pytest.mark.parametrize("places", [[], [0, 1, 2, 3, 4, 5, 6], [6, 2, 1], [3, 3]], ids=str)
def test_some_of_them_are_as_those_of_a_list(places: list[int]) -> None:
    chosen = Slices.of(STRINGS).at(np.array(places, dtype=np.int64))
    expected = [STRINGS[place] for place in places]
    assert list(chosen) == expected
    assert chosen.joined() == b"".join(one or b"" for one in expected)


def test_a_range_is_as_that_of_a_list() -> None:
    part = Slices.of(STRINGS)[1:6]
    assert (list(part), part.joined()) == (STRINGS[1:6], b"".join(x or b"" for x in STRINGS[1:6]))


def test_only_the_decimal_text_of_a_number_is_its_decimal() -> None:
    draw = Random(1)
    numbers = [
        draw.choice([-1, 1]) * draw.randrange(10 ** draw.randrange(1, 18)) for _ in range(500)
    ]
    spoilt = [
        draw.choice([b"%d", b"%d", b"0%d", b"%d ", b"+%d", b"%d0", b"-%d"]) % n for n in numbers
    ]
    texts: list[bytes | None] = [draw.choice([text, None, b"", text]) for text in spoilt]
    found = Slices.of(texts).are_decimals(np.array(numbers))
    assert found.tolist() == [text == b"%d" % n for text, n in zip(texts, numbers, strict=True)]
