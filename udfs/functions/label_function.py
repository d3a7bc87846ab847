"""The Flink function that cleans labels and joins them with their records."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from pyflink.common import Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from udfs import metrics
from udfs.functions.answers import encode_dead_letters
from udfs.functions.blocks import RawBlock
from udfs.functions.clean import Clean
from udfs.functions.label_join import Joined, LabelJoin, joined_changes
from udfs.functions.quiet import FirstOffsets, loud_letters
from udfs.functions.rows import (
    RecordRows,
    decode_rows,
    encode_rows,
    holds_rows,
)
from udfs.functions.told_labels import ToldLabels, Waiting
from udfs.records import LABELS_STAGE, DeadLetter, Reason
from udfs.use_cases.contract import UseCase
from udfs.use_cases.find import find_use_case
from udfs.use_cases.label_records import label_case

STAGE = LABELS_STAGE


class LabelFunction(KeyedProcessFunction):
    """Turns raw blocks of labels, and rows of records, into changes of labels.

    Key: the shard of the business id. Time domain: event time of the records; an event-time timer
    gives up labels without a record at the end of a bounded stream, and all the time where there
    are watermarks. State: a MapState of records and labels until the label horizon has passed.
    Failures: labels that cannot be used, or find no record in time, become dead letters.
    """

    def __init__(
        self,
        use_case: str,
        topic: str,
        max_clock_skew_ms: int,
        *,
        by_watermark: bool,
        quiet: FirstOffsets | None = None,
    ) -> None:
        self._use_case_name = use_case
        self._topic = topic
        self._max_clock_skew_ms = max_clock_skew_ms
        self._by_watermark = by_watermark
        self._quiet = dict(quiet or {})

    def open(self, runtime_context: RuntimeContext) -> None:
        """Registers state and metrics; the join of a shard loads with its first block."""
        self._use_case: UseCase = find_use_case(self._use_case_name)
        self._clean = Clean(label_case(self._use_case), self._topic, self._max_clock_skew_ms)
        self._width = RecordRows(self._use_case).width
        self._shards: dict[Any, LabelJoin] = {}
        self._timers: dict[Any, int] = {}
        self._state = runtime_context.get_map_state(
            MapStateDescriptor("labels", Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE()))
        )
        group = runtime_context.get_metrics_group().add_group("use_case", self._use_case.name)
        self._labels = group.counter(metrics.LABELS)
        self._changes = group.counter(metrics.LABEL_CHANGES)
        self._dead_letters = group.counter(metrics.LABEL_DEAD_LETTERS)
        self._again = group.counter(metrics.LABELS_AGAIN)
        self._known_again = group.counter(metrics.BUSINESS_IDS_AGAIN)
        silence = group.add_group("means", self._feed.silence)
        self._silent = silence.counter(metrics.LABELS_SILENT)

    @property
    def _feed(self) -> Any:
        assert self._use_case.labels is not None
        return self._use_case.labels

    def process_element(self, value: bytes, ctx: KeyedProcessFunction.Context) -> Iterator[bytes]:
        """Yields rows of changes and an answer with dead letters; often neither."""
        join = self._join(ctx)
        letters: list[DeadLetter] = []
        if holds_rows(value):
            # As `RecordRows.cells_for_labels` says.
            joined = join.records(*np.ascontiguousarray(decode_rows(value).T))
        else:
            clean = self._clean(RawBlock.decode(value))
            letters = clean.dead_letters
            self._labels.inc(len(clean.raw))
            joined = join.labels(ToldLabels.clean(clean, self._use_case.business_id))
        self._set_timer(join, ctx)
        yield from self._out(joined, letters)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[bytes]:
        """Gives up labels that have waited for a horizon."""
        self._timers.pop(ctx.get_current_key(), None)
        join = self._join(ctx)
        join.advance(ctx.timer_service().current_watermark())
        joined = join.expire()
        self._set_timer(join, ctx)
        yield from self._out(joined, [])

    def _join(self, ctx: Any) -> LabelJoin:
        shard = ctx.get_current_key()
        join = self._shards.get(shard)
        if join is None:
            join = self._shards[shard] = LabelJoin(self._feed, self._state)
        if self._by_watermark:
            join.advance(ctx.timer_service().current_watermark())
        return join

    def _set_timer(self, join: LabelJoin, ctx: Any) -> None:
        """One timer a shard, for its first label that waits."""
        shard = ctx.get_current_key()
        if not join.waiting or shard in self._timers:
            return
        at = join.give_up_ms()
        if at is not None:
            self._timers[shard] = at
            ctx.timer_service().register_event_time_timer(at)

    def _out(self, joined: Joined, letters: list[DeadLetter]) -> Iterator[bytes]:
        changes = joined_changes(joined.changes, self._width)
        letters = [*letters, *(self._letter(label, text) for label, text in joined.unmatched)]
        self._changes.inc(len(changes))
        self._dead_letters.inc(len(letters))
        self._again.inc(joined.again)
        self._known_again.inc(joined.known_again)
        self._silent.inc(joined.silent)
        if len(changes):
            yield encode_rows(changes)
        letters = loud_letters(self._quiet, letters)
        if letters:
            yield encode_dead_letters(letters)

    def _letter(self, label: Waiting, text: str) -> DeadLetter:
        return DeadLetter(
            reason=Reason.LABEL_UNMATCHED,
            stage=STAGE,
            detail=text,
            source_topic=self._topic,
            source_partition=label.partition,
            source_offset=label.offset,
            kafka_timestamp_ms=label.timestamp_ms,
            key=label.key,
            value=label.value,
        )
