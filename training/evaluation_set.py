"""The rows that a version was judged by, kept with it so that others can be judged by the same."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from training.dataset import Dataset
from udfs.errors import DataError

MOST_ROWS = 100_000
_FIELDS = ("features", "labels", "business_ids", "entity_keys", "times_ms")


def write_evaluation_set(file: Path, test: Dataset, most_rows: int = MOST_ROWS) -> None:
    """Writes the rows, or those of every k-th entity where there are more than `most_rows`."""
    kept = some_entities(test, most_rows)
    np.savez_compressed(file, **{name: getattr(kept, name) for name in _FIELDS})


def read_evaluation_set(file: Path) -> Dataset:
    """The rows in a file.

    Raises:
        DataError: there is no such file, or it holds something else.
    """
    try:
        with np.load(file, allow_pickle=False) as stored:
            found = Dataset(**{name: stored[name] for name in _FIELDS})
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}") from error
    except (BadZipFile, KeyError, ValueError, EOFError) as error:
        raise DataError(f"{file} holds no evaluation rows: {error}") from error
    if not len(found) or any(len(getattr(found, name)) != len(found) for name in _FIELDS):
        raise DataError(f"{file} holds no evaluation rows, or not as many of each")
    return found


def some_entities(rows: Dataset, most_rows: int) -> Dataset:
    """All rows of every k-th entity, for the smallest k that leaves `most_rows` on average.

    Whole entities, since measures such as card precision look at all records of one.
    """
    step = -(-len(rows) // most_rows)
    _, place = np.unique(rows.entity_keys, return_inverse=True)
    return rows if step == 1 else rows[place % step == 0]
