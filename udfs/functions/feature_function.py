"""The Flink function of the clean and features stages."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pyflink.common import Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from udfs import metrics
from udfs.features.seen import SeenIds
from udfs.features.shard import Folded, ShardFolds
from udfs.functions.blocks import RawBlock
from udfs.functions.clean import STAGE, Clean, CleanBlock, dead_letter
from udfs.functions.feature_block import FeatureBlock
from udfs.functions.memory import keep_freed_memory
from udfs.functions.quiet import FirstOffsets
from udfs.records import Reason
from udfs.use_cases.contract import UseCase
from udfs.use_cases.find import find_use_case
from udfs.use_cases.milliseconds import milliseconds


class FeatureFunction(KeyedProcessFunction):
    """Turns raw blocks of a shard into feature blocks.

    Key: the shard of the entity key. Time domain: event time of the records, exact windows;
    no timers, records are scored on arrival and late ones flagged. State: a MapState of
    event chunks and the newest event times; a chunk is dropped when all its events are older than
    the longest window plus the allowed lateness. Failures:
    records that cannot be used become dead letters; state of another feature spec stops the job.
    """

    def __init__(
        self,
        use_case: str,
        topic: str,
        max_clock_skew_ms: int,
        quiet: FirstOffsets | None = None,
    ) -> None:
        self._use_case_name = use_case
        self._topic = topic
        self._max_clock_skew_ms = max_clock_skew_ms
        self._quiet = dict(quiet or {})

    def open(self, runtime_context: RuntimeContext) -> None:
        """Registers state and metrics; the folds of a shard load with its first block."""
        keep_freed_memory()
        self._use_case: UseCase = find_use_case(self._use_case_name)
        self._clean = Clean(self._use_case, self._topic, self._max_clock_skew_ms)
        self._shards: dict[Any, ShardFolds] = {}
        self._seen: dict[Any, SeenIds] = {}
        self._state = runtime_context.get_map_state(
            MapStateDescriptor("shard", Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE()))
        )
        group = runtime_context.get_metrics_group().add_group("use_case", self._use_case.name)
        self._records = group.counter(metrics.RECORDS)
        self._dead_letters = group.counter(metrics.DEAD_LETTERS)
        self._late = group.counter(metrics.LATE_RECORDS)
        self._duplicates = group.counter(metrics.DUPLICATES)
        self._out_of_order = group.counter(metrics.OUT_OF_ORDER_RECORDS)

    def process_element(self, value: bytes, ctx: KeyedProcessFunction.Context) -> Iterator[Any]:
        """Yields the block's features; a block without a usable record carries dead letters."""
        clean, folded = self._folded(value, ctx)
        features = self._use_case.assemble(clean.columns, folded.windows)
        block = FeatureBlock(clean, folded, features)
        yield block.loud(self._quiet) if self._quiet else block

    def _folded(self, value: bytes, ctx: KeyedProcessFunction.Context) -> tuple[CleanBlock, Folded]:
        """A raw block's usable records and what the folds over the entity key give."""
        clean = self._clean(RawBlock.decode(value))
        self._records.inc(len(clean.raw))
        clean = self._without_duplicates(ctx.get_current_key(), clean)
        folded = self._fold(ctx.get_current_key(), clean)
        self._dead_letters.inc(len(clean.dead_letters))
        self._late.inc(int(folded.late.sum()))
        self._out_of_order.inc(int(folded.out_of_order.sum()))
        return clean, folded

    def _without_duplicates(self, shard: Any, clean: CleanBlock) -> CleanBlock:
        """The block with its duplicates flagged, or without them, as the use case declares."""
        declared = self._use_case.duplicates
        if declared is None or not len(clean.places):
            return clean
        seen = self._seen.get(shard)
        if seen is None:
            entries = dict(self._state.items())
            horizon_ms = milliseconds(declared.horizon)
            seen = self._seen[shard] = SeenIds(horizon_ms, self._state, entries)
        columns, partitions = clean.columns, clean.usable(clean.raw.partitions)
        ids, times = columns[self._use_case.business_id], columns[self._use_case.event_time]
        again = seen.again(ids, times, partitions)
        self._duplicates.inc(int(again.sum()))
        if declared.policy == "flag" or not again.any():
            return replace(clean, duplicate=again)
        text = f"{self._use_case.business_id} was there within {declared.horizon}"
        dropped = [
            dead_letter(clean.raw, place, self._topic, STAGE, reason=Reason.DUPLICATE, detail=text)
            for place in clean.places[again].tolist()
        ]
        kept = {field: column[~again] for field, column in columns.items()}
        return replace(clean, places=clean.places[~again], columns=kept, dropped=dropped)

    def _fold(self, shard: Any, clean: CleanBlock) -> Folded:
        folds = self._shards.get(shard)
        if folds is None:
            lateness_ms = self._use_case.allowed_lateness // timedelta(milliseconds=1)
            folds = self._shards[shard] = ShardFolds(
                self._use_case.spec,
                self._use_case.column_types,
                self._use_case.event_time,
                lateness_ms,
                self._state,
            )
        return folds.update(clean.columns, clean.usable(clean.raw.partitions))
