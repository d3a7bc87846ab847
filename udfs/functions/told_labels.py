"""Labels of a block in columns, with their bytes at hand for those that have to wait."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.functions.clean import CleanBlock
from udfs.functions.label_store import Waiting
from udfs.use_cases.label_records import LABEL_FIELD, LABEL_TIME

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class ToldLabels:
    """Labels in order of arrival, (n,) each.

    Attributes:
        ids: business ids.
        labels: the labels.
        known_ms: when they became known.
        partitions: source partitions.
        offsets: source offsets.
        waiting: the label at a place as it is kept while its record is not known.
    """

    ids: Ints
    labels: Ints
    known_ms: Ints
    partitions: Ints
    offsets: Ints
    waiting: Callable[[int], Waiting]

    def __len__(self) -> int:
        """The number of labels."""
        return len(self.ids)

    @classmethod
    def of(cls, waiting: Sequence[Waiting]) -> "ToldLabels":
        """Labels that waited."""
        rows = [(w.business_id, w.label, w.known_ms, w.partition, w.offset) for w in waiting]
        ids, labels, known_ms, partitions, offsets = np.array(rows, np.int64).reshape(-1, 5).T
        return cls(ids, labels, known_ms, partitions, offsets, waiting.__getitem__)

    @classmethod
    def clean(cls, block: CleanBlock, business_id: str) -> "ToldLabels":
        """The labels of a clean block."""
        raw, at, columns = block.raw, block.places, block.columns
        ids, labels, known_ms = columns[business_id], columns[LABEL_FIELD], columns[LABEL_TIME]
        partitions, offsets = raw.partitions[at], raw.offsets[at]

        def waiting(place: int) -> Waiting:
            there = int(at[place])
            return Waiting(
                int(ids[place]),
                int(labels[place]),
                int(known_ms[place]),
                int(partitions[place]),
                int(offsets[place]),
                int(raw.timestamps_ms[there]),
                raw.keys[there],
                raw.values[there],
            )

        return cls(ids, labels, known_ms, partitions.astype(np.int64), offsets, waiting)
