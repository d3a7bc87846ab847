"""Which reader understands the files that a user brings for a use case."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from udfs.errors import ConfigurationError
from udfs.use_cases.contract import Label, UseCase


@dataclass(frozen=True)
class _Reader:
    records: Callable[[Path], Iterator[Any]]
    labelled: Callable[[Path], Iterator[tuple[Any, Label]]]


def file_records(use_case: UseCase, path: Path) -> Iterator[Any]:
    """The records of a use case in files, in event-time order.

    Raises:
        ConfigurationError: no reader knows the use case's files, or they are missing.
        DataError: a file is not what it should be.
    """
    return _reader(use_case, path).records(path)


def labelled_records(use_case: UseCase, path: Path) -> Iterator[tuple[Any, Label]]:
    """The records of a use case in files with their labels, in event-time order.

    Raises:
        ConfigurationError: no reader knows the use case's files, or they are missing.
        DataError: a file is not what it should be.
    """
    return _reader(use_case, path).labelled(path)


def usual_train_days(use_case: UseCase) -> int | None:
    """Days that the published protocol of a use case's files trains on; None for all there are."""
    return {"fraud": 7}.get(use_case.name)


def _reader(use_case: UseCase, path: Path) -> _Reader:
    """The reader; what is missing under `path` is told now, not when the first record is read."""
    if use_case.name == "fraud":
        # Loaded on demand: the reader needs pyarrow, which takes a second.
        from millrace.sources import handbook  # noqa: PLC0415

        handbook.find_folder(path)
        return _Reader(handbook.transactions, handbook.labelled)
    if use_case.name == "maintenance":
        from millrace.sources import cmapss  # noqa: PLC0415

        cmapss.find_subsets(path)
        return _Reader(cmapss.readings, cmapss.labelled)
    if use_case.name == "recommendation":
        from millrace.sources import diginetica  # noqa: PLC0415

        diginetica.find_folder(path)
        return _Reader(diginetica.clicks, diginetica.labelled)
    raise ConfigurationError(
        f"no reader knows files of use case {use_case.name!r}, only those of fraud, maintenance "
        "and recommendation: read yours in its `generate`, or take them in by `millrace ingest`"
    )
