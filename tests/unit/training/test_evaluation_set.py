"""The rows that a version was judged by come back as they were."""

from pathlib import Path

import numpy as np
import pytest

from tests.unit.training.life_data import life_data
from training.dataset import Dataset
from training.evaluation_set import read_evaluation_set, some_entities, write_evaluation_set
from udfs.errors import DataError

FIELDS = ("features", "labels", "business_ids", "entity_keys", "times_ms")


def assert_same(found: Dataset, expected: Dataset) -> None:
    for name in FIELDS:
        given, wanted = getattr(found, name), getattr(expected, name)
        assert given.dtype == wanted.dtype
        np.testing.assert_array_equal(given, wanted)


def test_rows_survive_writing_and_reading_in_every_bit(tmp_path: Path) -> None:
    rows = life_data(1)
    write_evaluation_set(tmp_path / "evaluation.npz", rows)
    assert_same(read_evaluation_set(tmp_path / "evaluation.npz"), rows)


def test_of_too_many_rows_whole_entities_are_kept() -> None:
    rows = life_data(1, count=1_000)  # 100 rows an entity, entities 0 to 9
    kept = some_entities(rows, most_rows=400)
    assert np.unique(kept.entity_keys, return_counts=True)[0].tolist() == [0, 3, 6, 9]
    assert_same(kept, rows[np.isin(rows.entity_keys, kept.entity_keys)])


@pytest.mark.parametrize("content", [None, b"", b"no archive"], ids=["missing", "empty", "text"])
def test_what_holds_no_rows_is_told_by_its_file(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "evaluation.npz"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError, match=r"evaluation\.npz"):
        read_evaluation_set(file)


def test_arrays_of_different_lengths_are_told(tmp_path: Path) -> None:
    fields = {name: np.arange(3) for name in FIELDS} | {"labels": np.arange(2)}
    np.savez_compressed(tmp_path / "evaluation.npz", **fields)
    with pytest.raises(DataError, match="not as many of each"):
        read_evaluation_set(tmp_path / "evaluation.npz")
