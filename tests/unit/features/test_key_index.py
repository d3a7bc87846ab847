"""Places of keys against a dictionary."""

import numpy as np
import pytest

from udfs.features.key_index import NOWHERE, KeyIndex


@pytest.mark.parametrize(
    "block", [1, 7, 5000, 40_000], ids=["one by one", "few", "many", "more than at once"]
)
@pytest.mark.parametrize("reach", [40, 3000, 2**62], ids=["often again", "at times", "all new"])
def test_places_are_those_of_a_dictionary(block: int, reach: int) -> None:
    draw = np.random.default_rng(block)
    keys = draw.integers(-reach, reach, max(block, 9000) if block > 1 else 900)
    index, known = KeyIndex(), dict[int, int]()
    for start in range(0, len(keys), block):
        part = keys[start : start + block]
        expected = [known.get(key, NOWHERE) for key in part.tolist()]
        assert index.find(part).tolist() == expected
        index.add(part)
        known.update(zip(part.tolist(), range(start, start + len(part)), strict=True))
    assert index.find(keys).tolist() == [known[key] for key in keys.tolist()]
    assert index.keys.tolist() == keys.tolist()


def test_keys_that_fall_on_one_slot_are_told_apart() -> None:
    # Products with the spreading factor's inverse differ in their last bits only.
    inverse = pow(0x9E3779B97F4A7C15, -1, 2**64)
    keys = np.array([number * inverse % 2**64 for number in range(300)], np.uint64).view(np.int64)
    index = KeyIndex()
    index.add(keys)
    assert index.find(keys[::-1]).tolist() == list(range(299, -1, -1))
    assert index.find(keys + 1).tolist() == [NOWHERE] * 300


def test_places_adds_what_is_new_once() -> None:
    index = KeyIndex()
    index.add(np.array([5]))
    found = index.places(np.array([9, 5, 9, 7]))
    assert (found.tolist(), len(index)) == ([2, 0, 2, 1], 3)


@pytest.mark.parametrize("every", [1, 2, 3000], ids=["all", "half", "few"])
def test_keys_that_are_kept_have_places_from_0_on(every: int) -> None:
    keys = np.random.default_rng(every).integers(-(2**62), 2**62, 30_000)
    index = KeyIndex()
    index.add(keys)
    index.keep(np.arange(0, len(keys), every))
    kept = keys[::every]
    expected = np.full(len(keys), NOWHERE)
    expected[::every] = np.arange(len(kept))
    assert (index.find(keys).tolist(), index.keys.tolist()) == (expected.tolist(), kept.tolist())
    index.add(keys)
    assert index.find(keys).tolist() == list(range(len(kept), len(kept) + len(keys)))


def test_no_keys_are_nowhere() -> None:
    index, none = KeyIndex(), np.empty(0, np.int64)
    index.add(none)
    index.keep(none)
    assert (index.find(none).tolist(), index.places(none).tolist(), len(index)) == ([], [], 0)
