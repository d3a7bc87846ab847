"""Reads Diginetica's clicks from a folder the user brings.

The folder holds `clicks.csv.gz` (split, session_id, pos, item_id): sessions in order of time,
`train` before `test`, without times. So times are made up, always the same: the real log spans
the first half of 2016, its last week being the test; sessions begin evenly over 145 days and
over that week, and a click follows half a minute after the one before. Sessions overlap, as in
any shop; each has a `visitor_id` of its own, its number, so none is taken for another's end.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from udfs.errors import ConfigurationError, DataError
from udfs.features.sessions import NO_ITEM
from udfs.use_cases.recommendation_records import Click

FOLDER = "diginetica"
CLICKS = "clicks.csv.gz"

_DAY_MS = 86_400_000
_START_MS = 1_451_606_400_000  # 2016-01-01
_TRAIN_DAYS, _TEST_DAYS = 145, 7
_MS_BETWEEN_CLICKS = 30_000

TEST_START_MS = _START_MS + _TRAIN_DAYS * _DAY_MS
"""When the first test session begins."""

_TYPES = {
    "split": pa.string(),
    "session_id": pa.int64(),
    "pos": pa.int64(),
    "item_id": pa.int64(),
}

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class _Log:
    """All clicks in the order of the file; (n,) each."""

    test: NDArray[np.bool_]
    session_id: Ints
    item_id: Ints
    first: NDArray[np.bool_]


def find_folder(path: Path) -> Path:
    """The folder with the clicks: `path` itself, or `diginetica` in it.

    Raises:
        ConfigurationError: neither holds `clicks.csv.gz`.
    """
    for folder in (path, path / FOLDER):
        if (folder / CLICKS).is_file():
            return folder
    raise ConfigurationError(f"no {CLICKS} in {path} or {path / FOLDER}")


def clicks(path: Path) -> Iterator[Click]:
    """The clicks in the order of their times.

    Raises:
        ConfigurationError: the folder lacks the file.
        DataError: the file is not what it should be.
    """
    return (click for click, _ in labelled(path))


def labelled(path: Path) -> Iterator[tuple[Click, int]]:
    """The clicks, each with the item of the session's next one, -1 after the last.

    Raises:
        ConfigurationError: the folder lacks the file.
        DataError: the file is not what it should be.
    """
    log = _read(find_folder(path) / CLICKS)
    times = _times(log)
    following = np.append(log.item_id[1:], NO_ITEM)
    following[np.append(log.first[1:], True)] = NO_ITEM
    order = np.lexsort((np.arange(len(times)), times))
    columns = (order, log.session_id[order], log.item_id[order], times[order])
    made = map(Click, *(column.tolist() for column in columns))
    yield from zip(made, following[order].tolist(), strict=True)


def _times(log: _Log) -> Ints:
    """When each click was, (n,)."""
    times = np.empty(len(log.test), np.int64)
    parts = (~log.test, _START_MS, _TRAIN_DAYS), (log.test, TEST_START_MS, _TEST_DAYS)
    for part, start_ms, days in parts:
        first = log.first[part]
        session = np.cumsum(first) - 1
        count = max(int(first.sum()), 1)
        position = np.arange(len(first)) - np.flatnonzero(first)[session]
        # The last sessions end with their day, not after it.
        room_ms = days * _DAY_MS - (int(position.max(initial=0)) + 1) * _MS_BETWEEN_CLICKS
        times[part] = start_ms + session * room_ms // count + position * _MS_BETWEEN_CLICKS
    return times


def _read(file: Path) -> _Log:
    try:
        options = pa.csv.ConvertOptions(column_types=_TYPES, include_columns=list(_TYPES))
        table = pa.csv.read_csv(file, convert_options=options)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file} cannot be read: {str(error).splitlines()[0]}") from error
    if not len(table) or any(column.null_count for column in table.columns):
        raise DataError(f"{file} has no rows, or empty cells")
    split = table["split"].to_numpy(zero_copy_only=False)
    session, position = table["session_id"].to_numpy(), table["pos"].to_numpy()
    item = table["item_id"].to_numpy()
    unknown = set(np.unique(split).tolist()) - {"train", "test"}
    first = np.append(True, (session[1:] != session[:-1]) | (split[1:] != split[:-1]))
    counted = np.arange(len(first)) - np.flatnonzero(first)[np.cumsum(first) - 1]
    if unknown or np.any(counted != position):
        raise DataError(f"{file} has other splits than train and test, or positions with gaps")
    if item.min() < 0 or len(np.unique(session)) != int(first.sum()):
        raise DataError(f"{file} has items below 0, or sessions in several places")
    return _Log(split == "test", session, item, first)
