"""Records become feature rows by the fold and the assembly that the stream uses."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.progress import OnProgress, silent
from training.second_folds import SecondFolds
from udfs.errors import DataError
from udfs.features.columns import ColumnReader
from udfs.features.values import Features
from udfs.use_cases.contract import Label, UseCase

_BLOCK = 20_000
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Dataset:
    """Feature rows of n records in event-time order, with their labels.

    Attributes:
        features: (n, len(spec.names)); bit for bit what the stream computes.
        labels: of the use case's `label_dtype`, (n,).
        business_ids: int64, (n,).
        entity_keys: int64, (n,).
        times_ms: event times, int64, (n,).
    """

    features: Features
    labels: NDArray[Any]
    business_ids: NDArray[np.int64]
    entity_keys: NDArray[np.int64]
    times_ms: NDArray[np.int64]

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.labels)

    def __getitem__(self, rows: "NDArray[np.bool_] | slice") -> "Dataset":
        """Some of the rows."""
        return Dataset(
            self.features[rows],
            self.labels[rows],
            self.business_ids[rows],
            self.entity_keys[rows],
            self.times_ms[rows],
        )

    @classmethod
    def joined(cls, parts: Sequence["Dataset"]) -> "Dataset":
        """The rows of all parts, one after the other."""
        return cls(
            np.concatenate([part.features for part in parts]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.business_ids for part in parts]),
            np.concatenate([part.entity_keys for part in parts]),
            np.concatenate([part.times_ms for part in parts]),
        )


def build(
    use_case: UseCase,
    records: Iterable[tuple[Any, Label]],
    *,
    since_ms: int = 0,
    total: int | None = None,
    on_progress: OnProgress = silent,
) -> Dataset:
    """The data set of records in event-time order.

    Memory: one block of records, the events in the longest window, and the rows that are kept.

    Args:
        use_case: whose features.
        records: records with their labels, in event-time order.
        since_ms: records before this fill the windows only; they give no rows.
        total: how many records there are, for the progress.
        on_progress: told after each block.

    Raises:
        DataError: a record is older than the one before it, or no row is left.
    """
    fold = _BlockFold(use_case)
    parts: list[Dataset] = []
    done = 0
    for block in _blocks(records):
        part = fold.update(block)
        done += len(part)
        parts.append(part[part.times_ms >= since_ms])
        on_progress("features", done, total)
    kept = [part for part in parts if len(part)]
    if not kept:
        raise DataError("no records are left to train on")
    return Dataset.joined(kept)


def _blocks(records: Iterable[tuple[Any, Label]]) -> Iterator[list[tuple[Any, Label]]]:
    remaining = iter(records)
    while block := list(islice(remaining, _BLOCK)):
        yield block


class _BlockFold:
    """The folds of a use case over blocks of labelled records."""

    def __init__(self, use_case: UseCase) -> None:
        self._use_case = use_case
        lateness_ms = use_case.allowed_lateness // _MILLISECOND
        self._folds = {fold.name: fold.start(lateness_ms) for fold in use_case.spec.folds}
        self._columns = ColumnReader(use_case.record_type, use_case.column_types)
        self._second = SecondFolds(use_case)
        self._newest_ms = 0

    def update(self, block: Sequence[tuple[Any, Label]]) -> Dataset:
        """The rows of a block whose records go on in time."""
        use_case, n = self._use_case, len(block)
        columns = self._columns([record for record, _ in block])
        times = columns[use_case.event_time]
        if np.any(np.diff(times, prepend=self._newest_ms) < 0):
            raise DataError(
                f"records are not in the order of {use_case.event_time} after {self._newest_ms}"
            )
        self._newest_ms = int(times[-1])
        windows: dict[str, Any] = {}
        for fold in use_case.spec.folds:
            values = {field: columns[field] for field in fold.values}
            _, windows[fold.name] = self._folds[fold.name].update(
                columns[fold.key], times, values, times
            )
        labels = np.fromiter((label for _, label in block), use_case.label_dtype, n)
        windows |= self._second.update(columns, labels)
        return Dataset(
            use_case.assemble(columns, windows),
            labels,
            columns[use_case.business_id],
            columns[use_case.entity_key],
            times,
        )


def require_both_labels(train: Dataset, validation: Dataset) -> None:
    """Refuses parts from which a yes-or-no label cannot be learnt.

    Raises:
        DataError: training or validation has no positive label, or nothing else.
    """
    for name, part in (("training", train), ("validation", validation)):
        positives = int(part.labels.sum())
        if positives in (0, len(part)):
            raise DataError(f"the {name} part has {positives} positives in {len(part)} rows")
