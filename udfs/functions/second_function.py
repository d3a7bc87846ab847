"""The Flink function of the folds over the second entity key."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyflink.common import Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from udfs import metrics
from udfs.features.delayed import LABEL
from udfs.features.shard import Folded, ShardFolds
from udfs.features.slowest import PATIENCE_EVENTS
from udfs.features.values import rows_of
from udfs.functions.answers import encode_label_changes
from udfs.functions.blocks import RawBlock
from udfs.functions.clean import CleanBlock
from udfs.functions.feature_block import FeatureBlock
from udfs.functions.quiet import FirstOffsets, loud
from udfs.functions.record_rows import RecordColumns, RecordRows
from udfs.functions.rows import (
    KEY,
    TIME,
    Cells,
    LabelChanges,
    are_records,
    decode_rows,
    sources_in,
    streams_in,
)
from udfs.functions.slices import Slices
from udfs.use_cases.contract import UseCase
from udfs.use_cases.find import find_use_case
from udfs.use_cases.milliseconds import milliseconds

_KEY, _TIME = "key", "time"


class SecondFunction(KeyedProcessFunction):
    """Turns rows of records and of changes of labels into feature blocks.

    Key: the shard of the second entity key. Time domain: event time of the records, exact windows,
    no timers. State: a MapState of event chunks, as in `FeatureFunction`. Failures: none of a
    record's; state of another feature spec stops the job.
    """

    def __init__(
        self,
        use_case: str,
        emit_features: bool,
        quiet: FirstOffsets | None = None,
        quiet_labels: FirstOffsets | None = None,
    ) -> None:
        self._use_case_name = use_case
        self._emit_features = emit_features
        self._quiet, self._quiet_labels = dict(quiet or {}), dict(quiet_labels or {})

    def open(self, runtime_context: RuntimeContext) -> None:
        """Registers state; the folds of a shard load with its first block."""
        self._use_case: UseCase = find_use_case(self._use_case_name)
        self._rows = RecordRows(self._use_case)
        self._shards: dict[Any, ShardFolds] = {}
        self._state = runtime_context.get_map_state(
            MapStateDescriptor("second", Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE()))
        )
        group = runtime_context.get_metrics_group().add_group("use_case", self._use_case.name)
        self._changes = group.counter(metrics.LABEL_CHANGES_FOLDED)
        self._out_of_order = group.counter(metrics.OUT_OF_ORDER_RECORDS)

    def process_element(
        self, value: bytes, ctx: KeyedProcessFunction.Context
    ) -> Iterator[FeatureBlock]:
        """Yields the block's features; one of labels alone is a block without a record."""
        cells = decode_rows(value)
        records = are_records(cells)
        folded = self._fold(ctx.get_current_key(), cells, records)
        places = np.flatnonzero(records)
        self._changes.inc(len(cells) - len(places))
        self._out_of_order.inc(int(folded.out_of_order[places].sum()))
        answers = self._told(cells[~records], folded.sequence[~records])
        if self._quiet:
            places = places[loud(self._quiet, *sources_in(cells[places]))]
        yield self._block(self._rows.decode(cells[places]), folded, places, answers)

    def _told(self, cells: Cells, sequence: NDArray[np.int64]) -> bytes:
        """A section of the changes of labels (n,) that are written, if any are."""
        if not len(cells) or not self._emit_features:
            return b""
        written = loud(self._quiet_labels, *sources_in(cells))
        changes = LabelChanges.of(cells[written])
        return encode_label_changes(changes, sequence[written], self._use_case.spec.hash)

    def _fold(self, shard: Any, cells: Cells, records: NDArray[np.bool_]) -> Folded:
        """Folds the events (n,): records, and changes of labels with their records' times."""
        folds = self._shards.get(shard)
        if folds is None:
            folds = self._shards[shard] = self._new_folds()
        told = LabelChanges.of(cells)
        columns: dict[str, NDArray[Any]] = {
            _TIME: np.where(records, cells[:, TIME], told.event_time_ms),
            LABEL: np.where(records, 0, told.change),
        }
        columns |= {fold.key: cells[:, KEY] for fold in self._use_case.spec.second}
        # A change expires with the events of its record's stream.
        streams = np.where(records, streams_in(cells), told.record_stream)
        return folds.update(columns, streams.astype(np.int32), ticks=records)

    def _new_folds(self) -> ShardFolds:
        return ShardFolds(
            self._use_case.spec,
            {LABEL: np.dtype(np.int64)},
            _TIME,
            milliseconds(self._use_case.allowed_lateness),
            self._state,
            folds=self._use_case.spec.second,
            patience=PATIENCE_EVENTS,
        )

    def _block(
        self, rows: RecordColumns, folded: Folded, places: NDArray[np.int64], answers: bytes
    ) -> FeatureBlock:
        case, n = self._use_case, len(places)
        keys = Slices.decimals(rows.columns[case.entity_key])
        raw = RawBlock(rows.offsets, rows.timestamp_ms, rows.partitions, keys, Slices.nulls(n))
        clean = CleanBlock(raw, np.arange(n), rows.columns, [], rows.duplicate)
        second = {name: rows_of(result, places) for name, result in folded.windows.items()}
        windows: Mapping[str, Any] = {**rows.windows, **second}
        own = Folded(windows, rows.sequence, rows.late, rows.late)
        assert case.labels is not None
        second_key = rows.columns[case.labels.entity_key]
        return FeatureBlock(
            clean,
            own,
            case.assemble(rows.columns, windows),
            (second_key, folded.sequence[places]),
            answers,
        )
