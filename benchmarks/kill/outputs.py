"""What a run wrote, as a consumer that reads committed data sees it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.reading import chunks
from udfs.records import DeadLetter, Reason

_PARTITION_BITS = 48
_Row = TypeVar("_Row", bound="_Place")


class _Place(msgspec.Struct):
    source_partition: int
    source_offset: int


class _Prediction(_Place):
    business_id: int
    route: str = ""


class _FeatureRow(_Prediction):
    sequence: int = 0
    second_sequence: int = 0
    late: bool = False
    features: list[float] = []


@dataclass(frozen=True)
class Predictions:
    """Predictions by source.

    Attributes:
        places: source partition and offset in one number (`place`), ascending, (n,).
        business_ids: (n,).
        written: partition and offset of the prediction itself, as a `place`, (n,).
        routes: how many went each way.
    """

    places: NDArray[np.int64]
    business_ids: NDArray[np.int64]
    written: NDArray[np.int64]
    routes: Mapping[str, int]

    def before(self, ends: Mapping[int, int]) -> int:
        """How many of them lie before the given ends of their topic's partitions."""
        partitions, offsets = np.divmod(self.written, 1 << _PARTITION_BITS)
        return int(sum((offsets[partitions == p] < end).sum() for p, end in ends.items()))


@dataclass(frozen=True)
class FeatureRows:
    """Feature rows by source.

    Attributes:
        places: ascending, (n,).
        values: both sequence numbers, lateness, business id and the features, as bits,
            int64 (n, f).
    """

    places: NDArray[np.int64]
    values: NDArray[np.int64]

    def equal(self, other: "FeatureRows") -> int:
        """How many rows are in both, once each, the same in every bit."""
        ours, theirs = self._once, other._once
        _, at, there = np.intersect1d(
            self.places[ours], other.places[theirs], assume_unique=True, return_indices=True
        )
        same = (self.values[ours][at] == other.values[theirs][there]).all(axis=1)
        return int(same.sum())

    @cached_property
    def _once(self) -> NDArray[np.int64]:
        """Indices of rows whose place is there once."""
        _, first, count = np.unique(self.places, return_index=True, return_counts=True)
        found: NDArray[np.int64] = first[count == 1]
        return found


def place(partition: int, offset: int) -> int:
    """Partition and offset in one number.

    >>> place(1, 5) == (1 << 48) + 5
    True
    """
    return (partition << _PARTITION_BITS) + offset


def predictions(bootstrap_servers: str, name: str) -> Predictions:
    """All predictions of a run."""
    places: list[int] = []
    ids: list[int] = []
    written: list[int] = []
    routes: Counter[str] = Counter()
    for messages, rows in _decoded(bootstrap_servers, f"{name}.predictions", _Prediction):
        written += [place(m.partition(), m.offset()) for m in messages]
        places += [place(row.source_partition, row.source_offset) for row in rows]
        ids += [row.business_id for row in rows]
        routes.update(row.route for row in rows)
    at = np.array(places, np.int64)
    order = np.argsort(at, kind="stable")
    return Predictions(
        at[order], np.array(ids, np.int64)[order], np.array(written, np.int64)[order], routes
    )


def feature_rows(bootstrap_servers: str, name: str, width: int) -> FeatureRows:
    """All feature rows of a run.

    Args:
        bootstrap_servers: the broker.
        name: prefix of the run's topics.
        width: features of a row.
    """
    places: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    values: list[NDArray[np.int64]] = [np.empty((0, 4 + width), np.int64)]
    for _, rows in _decoded(bootstrap_servers, f"{name}.features", _FeatureRow):
        at = [place(row.source_partition, row.source_offset) for row in rows]
        whole = [(r.sequence, r.second_sequence, r.late, r.business_id) for r in rows]
        features = np.array([row.features for row in rows], np.float64).reshape(-1, width)
        places.append(np.array(at, np.int64))
        integers = np.array(whole, np.int64).reshape(-1, 4)
        values.append(np.column_stack([integers, features.view(np.int64)]))
    all_places, all_values = np.concatenate(places), np.concatenate(values)
    order = np.argsort(all_places, kind="stable")
    return FeatureRows(all_places[order], all_values[order])


def dead_letters(bootstrap_servers: str, name: str) -> tuple[list[DeadLetter], list[DeadLetter]]:
    """All dead letters of a run: those of raw records, and those of labels."""
    decode = msgspec.json.Decoder(DeadLetter).decode
    topic = f"{name}.dead-letters"
    found = [decode(m.value()) for some in chunks(bootstrap_servers, topic) for m in some]
    labels = [letter for letter in found if letter.source_topic == f"{name}.labels"]
    return [letter for letter in found if letter.source_topic != f"{name}.labels"], labels


def label_changes(bootstrap_servers: str, name: str) -> NDArray[np.int64]:
    """Source places of a run's changes of labels, as they came, (n,)."""
    found = [
        place(row.source_partition, row.source_offset)
        for _, rows in _decoded(bootstrap_servers, f"{name}.label-changes", _Place)
        for row in rows
    ]
    return np.array(found, np.int64)


def reasons(letters: list[DeadLetter]) -> Counter[Reason]:
    """How many dead letters give each reason."""
    return Counter(letter.reason for letter in letters)


def _decoded(
    bootstrap_servers: str, topic: str, row_type: type[_Row]
) -> Iterator[tuple[Any, list[_Row]]]:
    """Chunks of a topic's messages with what their values say."""
    decoder = msgspec.json.Decoder(row_type)
    for messages in chunks(bootstrap_servers, topic):
        if messages:
            yield messages, decoder.decode_lines(b"\n".join([m.value() for m in messages]))
