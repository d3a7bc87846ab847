"""How the records of a use case stand in rows between the keyed stages."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.features.values import COUNT, Columns, arrays, rebuilt
from udfs.functions.rows import (
    KEY,
    LABEL_CHANGE_CELLS,
    OFFSET,
    SOURCE,
    TIME,
    Cells,
    flags_in,
    record_sources,
    sources_in,
    streams_in,
)
from udfs.use_cases.contract import UseCase
from udfs.use_cases.milliseconds import milliseconds

# No field of a record is called so.
_TIMESTAMP_MS, _SEQUENCE = "own:timestamp_ms", "own:sequence"
_LATE, _DUPLICATE = 1, 2
_HEADER_CELLS = KEY + 1
_CELL_BYTES = 8


class RecordRows:
    """How a use case's records stand in rows: provenance, columns, and what the folds gave.

    A value takes as many bytes as its dtype, counts of a key's events (`values.COUNT`) four.

    Args:
        use_case: with a feed of labels, whose entity key the rows are packed by.
    """

    def __init__(self, use_case: UseCase) -> None:
        assert use_case.labels is not None
        self._use_case = use_case
        self._templates = _templates(use_case)
        self._columns = use_case.column_types
        types: dict[str, np.dtype[Any]] = {_TIMESTAMP_MS: np.dtype(np.int64)}
        types |= {_SEQUENCE: np.dtype(np.uint32), **use_case.column_types}
        for fold, template in self._templates.items():
            types |= {f"{fold}:{place}": one for place, one in enumerate(_types(template))}
        self._places = {
            use_case.labels.entity_key: _Place(np.dtype(np.int64), KEY, ()),
            use_case.event_time: _Place(np.dtype(np.int64), TIME, ()),
        }
        # Wide ones first, so that each lies at a multiple of its own size.
        at = _HEADER_CELLS * _CELL_BYTES
        for name, dtype in sorted(types.items(), key=lambda item: -item[1].base.itemsize):
            if name not in self._places:
                self._places[name] = _Place(dtype.base, at // dtype.base.itemsize, dtype.shape)
                at += dtype.itemsize
        self.width = -(-at // _CELL_BYTES)
        """Cells of a row."""
        assert self.width >= LABEL_CHANGE_CELLS

    @property
    def business_id_cell(self) -> int:
        """The cell of the business id."""
        return self._places[self._use_case.business_id].first

    @property
    def cells_for_labels(self) -> tuple[int, int, int, int]:
        """What the join of labels takes: business id, second entity key, event time, source."""
        return self.business_id_cell, KEY, TIME, SOURCE

    def encode(self, rows: "RecordColumns") -> Cells:
        """Rows (n, width) of records."""
        n = len(rows.offsets)
        # Cell by cell, and turned into rows at once: faster than in steps of a row's width.
        cells = np.zeros((self.width, n), np.int64)
        flags = rows.late.view(np.uint8) * _LATE + rows.duplicate.view(np.uint8) * _DUPLICATE
        cells[SOURCE] = record_sources(rows.streams, flags)
        cells[OFFSET] = rows.offsets
        given: dict[str, Any] = {_TIMESTAMP_MS: rows.timestamp_ms, _SEQUENCE: rows.sequence}
        given |= rows.columns
        for fold, result in rows.windows.items():
            given |= {f"{fold}:{place}": one for place, one in enumerate(arrays(result))}
        for name, place in self._places.items():
            place.write(cells, given[name])
        return cells.T

    def decode(self, cells: Cells) -> "RecordColumns":
        """Records out of their rows (n, width)."""
        given = {name: place.read(cells) for name, place in self._places.items()}
        windows = {
            fold: rebuilt(
                template,
                (
                    given[f"{fold}:{place}"].astype(one.dtype, copy=False)
                    for place, one in enumerate(arrays(template))
                ),
            )
            for fold, template in self._templates.items()
        }
        flags, (partitions, offsets) = flags_in(cells), sources_in(cells)
        return RecordColumns(
            partitions=partitions,
            streams=streams_in(cells),
            offsets=np.ascontiguousarray(offsets),
            timestamp_ms=given[_TIMESTAMP_MS],
            sequence=given[_SEQUENCE].astype(np.int64),
            late=flags & _LATE != 0,
            duplicate=flags & _DUPLICATE != 0,
            columns={field: given[field] for field in self._columns},
            windows=windows,
        )


@dataclass(frozen=True)
class _Place:
    """Where a value stands in a row: its dtype, its place in units of that, and its shape."""

    dtype: np.dtype[Any]
    first: int
    shape: tuple[int, ...]

    def write(self, cells: Cells, values: NDArray[Any]) -> None:
        """Puts values (n, ...) into cells (width, n)."""
        in_cell = _CELL_BYTES // self.dtype.itemsize
        for place, column in enumerate(values.reshape(len(values), -1).T, self.first):
            cells[place // in_cell].view(self.dtype)[place % in_cell :: in_cell] = column

    def read(self, cells: Cells) -> NDArray[Any]:
        """The values (n, ...) of rows (n, width)."""
        size = int(np.prod(self.shape, dtype=np.int64))
        found = cells.view(self.dtype)[:, self.first : self.first + size]
        return np.ascontiguousarray(found).reshape(-1, *self.shape)


@dataclass(frozen=True)
class RecordColumns:
    """Records between the two keyed stages; n rows each.

    Attributes:
        partitions: source partitions, int32; part of the streams.
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


def _types(result: Any) -> list[np.dtype[Any]]:
    """The dtypes, with their shapes, in which rows hold the arrays that a result is made of."""
    if isinstance(result, np.ndarray):
        return [np.dtype((result.dtype, result.shape[1:]))]
    if not is_dataclass(result):
        return [one for part in result for one in _types(part)]
    found: list[np.dtype[Any]] = []
    for one in fields(result):
        part = getattr(result, one.name)
        found += [np.dtype((np.int32, part.shape[1:]))] if one.metadata == COUNT else _types(part)
    return found


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
