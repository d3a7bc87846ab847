"""Blocks of rows of fixed width: what goes from one keyed stage to the next through the JVM.

The other end is `millrace.flink.RowBlocks`. Little-endian: int32 -1, n, cells, 0; then n rows of
so many cells of 8 bytes, each an int64 or a float64.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.features.values import Columns
from udfs.use_cases.contract import UseCase
from udfs.use_cases.milliseconds import milliseconds

ROWS = -1
"""The first int of a block of rows; raw blocks and answers begin with one that is not negative."""

TIME, KIND, PARTITION, OFFSET, KEY, STREAM = range(6)
"""The cells that all rows begin with: what they are ordered by, the entity key, and the stream.

Of a record these are its event time and its second entity key.
"""

_SHARDS = 65_536

LABEL_CHANGE, RECORD = 0, 1
"""Values of the cell `KIND`; changes of labels come before records of the same time."""

_HEADER_BYTES = 16
_HEADER_CELLS = 6

Cells = NDArray[np.int64]
"""Rows of cells, (n, cells); floats as their bits."""


def encode_rows(cells: Cells) -> bytes:
    """A block of rows (n, cells)."""
    header = np.array([ROWS, *cells.shape, 0], "<i4")
    return b"".join((header.data, np.ascontiguousarray(cells, "<i8").data))


def holds_rows(block: bytes) -> bool:
    """Whether a block holds rows.

    >>> holds_rows(encode_rows(np.zeros((1, 5), np.int64)))
    True
    """
    return len(block) >= _HEADER_BYTES and int(np.frombuffer(block, "<i4", 1)[0]) == ROWS


def decode_rows(block: bytes) -> Cells:
    """The rows of a block, (n, cells)."""
    _, count, cells, _ = np.frombuffer(block, "<i4", 4).tolist()
    return np.frombuffer(block, "<i8", count * cells, _HEADER_BYTES).reshape(count, cells)


@dataclass(frozen=True)
class LabelChanges:
    """Changes of labels on their way to the second entity key; int64 (n,) each.

    Attributes:
        known_ms: when the label became known.
        partition: of the label in its topic.
        offset: of the label in its topic.
        second_key: the second entity key of the label's record.
        event_time_ms: event time of the label's record.
        record_stream: stream of the label's record, see `stream_of`.
        change: what the label is now less what it was, never 0.
        business_id: of the label's record.
    """

    known_ms: NDArray[np.int64]
    partition: NDArray[np.int64]
    offset: NDArray[np.int64]
    second_key: NDArray[np.int64]
    event_time_ms: NDArray[np.int64]
    record_stream: NDArray[np.int64]
    change: NDArray[np.int64]
    business_id: NDArray[np.int64]

    def __len__(self) -> int:
        """The number of changes."""
        return len(self.change)

    def cells(self, width: int) -> Cells:
        """Rows of so many cells."""
        kind = np.full(len(self), LABEL_CHANGE)
        own = [self.known_ms, kind, self.partition, self.offset, self.second_key]
        own += [self.record_stream, self.event_time_ms, self.change, self.business_id]
        rows = np.zeros((len(self), width), np.int64)
        rows[:, : len(own)] = np.column_stack(own)
        return rows

    @classmethod
    def of(cls, rows: Cells) -> "LabelChanges":
        """The changes that the rows hold, (n, cells)."""
        time, _, partition, offset, key, stream, event_time, change, business_id = rows.T[
            :LABEL_CHANGE_CELLS
        ]
        return cls(time, partition, offset, key, event_time, stream, change, business_id)


LABEL_CHANGE_CELLS = 9
_OWN = ("timestamp_ms", "sequence", "flags")
_LATE, _DUPLICATE = 1, 2


class RecordRows:
    """How a use case's records stand in rows: provenance, columns, and what the folds gave.

    Args:
        use_case: with a feed of labels, whose entity key the rows are packed by.
    """

    def __init__(self, use_case: UseCase) -> None:
        assert use_case.labels is not None
        self._use_case = use_case
        self._second_key = use_case.labels.entity_key
        self._templates = _templates(use_case)
        parts: list[tuple[str, np.dtype[Any]]] = [(name, np.dtype(np.int64)) for name in _OWN]
        parts += list(use_case.column_types.items())
        parts += [
            (f"{fold}:{place}", np.dtype((array.dtype, array.shape[1:])))
            for fold, template in self._templates.items()
            for place, array in enumerate(arrays(template))
        ]
        self._dtypes = dict(parts)
        self._cells = {self._second_key: slice(KEY, KEY + 1)}
        self._cells[use_case.event_time] = slice(TIME, TIME + 1)
        at = _HEADER_CELLS
        for name, dtype in parts:
            if name in self._cells:
                continue
            size = int(np.prod(dtype.shape, dtype=np.int64))
            self._cells[name] = slice(at, at + size)
            at += size
        assert at >= LABEL_CHANGE_CELLS
        self.width = at
        """Cells of a row."""

    @property
    def business_id_cell(self) -> int:
        """The cell of the business id."""
        return int(self._cells[self._use_case.business_id].start)

    @property
    def cells_for_labels(self) -> tuple[int, int, int, int]:
        """What the join of labels takes: business id, second entity key, event time, stream."""
        return self.business_id_cell, KEY, TIME, STREAM

    def encode(self, rows: "RecordColumns") -> Cells:
        """Rows (n, width) of records."""
        columns, n = rows.columns, len(rows.partitions)
        # Cell by cell, and turned into rows at once: faster than in steps of a row's width.
        cells = np.empty((self.width, n), np.int64).T
        own = {KIND: RECORD, PARTITION: rows.partitions, OFFSET: rows.offsets, STREAM: rows.streams}
        for place, column in own.items():
            cells[:, place] = column
        flags = rows.late.view(np.uint8) * _LATE + rows.duplicate.view(np.uint8) * _DUPLICATE
        given: dict[str, Any] = {"timestamp_ms": rows.timestamp_ms, "sequence": rows.sequence}
        given |= {"flags": flags, **columns}
        for fold, result in rows.windows.items():
            given |= {f"{fold}:{place}": one for place, one in enumerate(arrays(result))}
        floats = cells.view(np.float64)
        for name, at in self._cells.items():
            into = floats if self._dtypes[name].base.kind == "f" else cells
            into[:, at] = given[name].reshape(n, -1)
        return cells

    def decode(self, cells: Cells) -> "RecordColumns":
        """Records out of their rows (n, width)."""
        given = {name: self._column(cells, name) for name in self._cells}
        windows = {
            fold: _rebuilt(
                template, iter([given[f"{fold}:{i}"] for i, _ in enumerate(arrays(template))])
            )
            for fold, template in self._templates.items()
        }
        return RecordColumns(
            partitions=cells[:, PARTITION].astype(np.int32),
            streams=cells[:, STREAM],
            offsets=np.ascontiguousarray(cells[:, OFFSET]),
            timestamp_ms=given["timestamp_ms"],
            sequence=given["sequence"],
            late=given["flags"] & _LATE != 0,
            duplicate=given["flags"] & _DUPLICATE != 0,
            columns={field: given[field] for field in self._use_case.column_types},
            windows=windows,
        )

    def _column(self, cells: Cells, name: str) -> NDArray[Any]:
        dtype, at = self._dtypes[name], self._cells[name]
        column = np.ascontiguousarray(cells[:, at])
        if dtype.base.kind == "f":
            column = column.view(np.float64)
        found: NDArray[Any] = column.astype(dtype.base, copy=False).reshape(-1, *dtype.shape)
        return found


@dataclass(frozen=True)
class RecordColumns:
    """Records between the two keyed stages; n rows each.

    Attributes:
        partitions: source partitions, int32.
        streams: `stream_of` the records.
        offsets: source offsets.
        timestamp_ms: Kafka timestamps.
        sequence: the entity key's sequence numbers.
        late: flags of lateness, bool.
        duplicate: whether the business id was there before, bool.
        columns: the use case's columns.
        windows: what the folds over the entity key gave, by name.
    """

    partitions: NDArray[np.int32]
    streams: NDArray[np.int64]
    offsets: NDArray[np.int64]
    timestamp_ms: NDArray[np.int64]
    sequence: NDArray[np.int64]
    late: NDArray[np.bool_]
    duplicate: NDArray[np.bool_]
    columns: Columns
    windows: Mapping[str, Any]


def stream_of(partitions: NDArray[np.int32], shard_key: int) -> NDArray[np.int64]:
    """The streams in which records keep their order on the way to the second stage.

    Those of one source partition that went through one shard of the first stage do; those of
    other shards may be overtaken. So a stream, not a partition, has a clock in the second stage.

    >>> stream_of(np.array([0, 1], np.int32), 5).tolist()
    [5, 65541]
    """
    found: NDArray[np.int64] = partitions.astype(np.int64) * _SHARDS + shard_key
    return found


def arrays(result: Any) -> list[NDArray[Any]]:
    """The arrays that a fold's result is made of: itself, or those in a tuple or dataclass."""
    if isinstance(result, np.ndarray):
        return [result]
    return [array for part in _parts(result) for array in arrays(part)]


def _parts(result: Any) -> list[Any]:
    if is_dataclass(result):
        return [getattr(result, field.name) for field in fields(result)]
    return list(result)


def _rebuilt(template: Any, given: Iterator[NDArray[Any]]) -> Any:
    """A result of the template's form out of its arrays."""
    if isinstance(template, np.ndarray):
        return next(given)
    parts = [_rebuilt(part, given) for part in _parts(template)]
    form: Callable[..., Any] = type(template)
    return form(*parts) if is_dataclass(template) else tuple(parts)


def _templates(use_case: UseCase) -> dict[str, Any]:
    """What each fold over the entity key gives for no records."""
    none = np.empty(0, np.int64)
    types = use_case.column_types
    lateness_ms = milliseconds(use_case.allowed_lateness)
    return {
        fold.name: fold.start(lateness_ms).update(
            none,
            none,
            {f: np.empty((0, *types[f].shape), types[f].base) for f in fold.values},
            none,
        )[1]
        for fold in use_case.spec.folds
    }
