"""The labels stage, and the way from the first entity key to the second one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pyflink.datastream import DataStream, KeyedStream, StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway

from jobs.stages.jvm import BLOCK_TYPE, blocks, by_shard, int_array, java_map
from jobs.stages.raw import Packing
from udfs.features.slowest import PATIENCE_EVENTS
from udfs.functions.answers import DEAD_LETTERS
from udfs.functions.label_function import LabelFunction
from udfs.functions.record_rows import RecordRows
from udfs.functions.rows import KEY
from udfs.functions.rows_function import RowsFunction
from udfs.functions.second_function import SecondFunction
from udfs.use_cases.contract import UseCase
from udfs.use_cases.feeds import LabelFeed
from udfs.use_cases.milliseconds import milliseconds

_EVERY_CELL: tuple[int, ...] = ()
_PATIENCE = 20
_LARGER = 8


def patient(packing: Packing) -> Packing:
    """Packing on the way to the join and behind it.

    Labels come days after their records: few large blocks are worth more than tens of
    milliseconds.
    """
    return replace(
        packing, records=_LARGER * packing.records, linger_ms=_PATIENCE * packing.linger_ms
    )


def record_rows(raw: KeyedStream, function: RowsFunction, name: str, shards: int) -> DataStream:
    """Rows with what the folds over the entity key give, and answers with dead letters."""
    uid = f"{name}/features/{shards}"
    return raw.process(function, BLOCK_TYPE).uid(uid).name(f"{name}/features")


def usable_labels(
    labels: KeyedStream,
    function: LabelFunction,
    env: StreamExecutionEnvironment,
    name: str,
    shards: int,
) -> tuple[Any, Any]:
    """Java blocks of labels by the shard of the business id, and answers with dead letters."""
    uid = f"{name}/clean-labels/{shards}"
    mixed = labels.process(function, BLOCK_TYPE).uid(uid).name(f"{name}/clean-labels")
    java, most = mixed._j_data_stream, env.get_max_parallelism()
    told = blocks().toldByShard(java, f"{name}/labels-by-id", shards, most)
    return told, answers_of(mixed, f"{name}/labels-refused")


def label_changes(
    by_id: Any,
    use_case: UseCase,
    layout: RecordRows,
    name: str,
    *,
    topic: str,
    by_watermark: bool,
    quiet: Mapping[int, int],
) -> DataStream:
    """Rows of changes of labels, and answers with dead letters: `LabelJoinFunction` in the JVM.

    Args:
        by_id: Java blocks of labels, and of rows of records, by the shard of the business id.
        use_case: with a feed of labels.
        layout: of its rows.
        name: of the state.
        topic: of the labels.
        by_watermark: records and labels wait by the watermark; else by the slowest stream.
        quiet: by partition, the first offset of the labels whose dead letters are written.
    """
    feed = use_case.labels
    assert feed is not None
    settings = join_settings(use_case.name, feed, layout.width, by_watermark=by_watermark)
    joined = blocks().joinLabels(by_shard(by_id), name, settings, label_letters(topic, quiet))
    return DataStream(joined)


def join_settings(
    name: str,
    feed: LabelFeed,
    width: int,
    patience: int = PATIENCE_EVENTS,
    *,
    by_watermark: bool = False,
) -> Any:
    """A Java `LabelJoinSettings` of a feed of labels, for rows of so many cells."""
    return get_gateway().jvm.millrace.flink.LabelJoinSettings(
        name,
        feed.silence,
        by_watermark,
        milliseconds(feed.horizon),
        feed.again == "first",
        width,
        patience,
    )


def label_letters(topic: str, quiet: Mapping[int, int]) -> Any:
    """Java `LabelLetters` of a topic of labels, written from these offsets of partitions on."""
    loud = java_map({str(partition): str(first) for partition, first in quiet.items()})
    return get_gateway().jvm.millrace.flink.LabelLetters(topic, DEAD_LETTERS, loud)


def second_features(
    rows: KeyedStream, function: SecondFunction, name: str, shards: int
) -> DataStream:
    """Feature blocks of rows of records and of changes of labels, by the second entity key."""
    uid = f"{name}/second/{shards}"
    return rows.process(function).uid(uid).name(f"{name}/second")


def by_business_id(
    rows: DataStream,
    layout: RecordRows,
    env: StreamExecutionEnvironment,
    name: str,
    packing: Packing,
) -> Any:
    """Java blocks of what a label needs of its record, by the shard of the business id."""
    return _repacked(
        rows,
        env,
        f"{name}/pack-by-id",
        key_cell=layout.business_id_cell,
        cells=layout.cells_for_labels,
        packing=packing,
    )


def by_second_key(
    rows: DataStream, env: StreamExecutionEnvironment, name: str, packing: Packing
) -> Any:
    """Java blocks of whole rows by the shard of the second entity key."""
    return _repacked(rows, env, name, key_cell=KEY, cells=_EVERY_CELL, packing=packing)


def answers_of(mixed: DataStream, name: str) -> Any:
    """The answers of a stream that has rows or labels as well, as a Java stream."""
    return blocks().answers(mixed._j_data_stream, name)


def _repacked(
    rows: DataStream,
    env: StreamExecutionEnvironment,
    name: str,
    *,
    key_cell: int,
    cells: tuple[int, ...],
    packing: Packing,
) -> Any:
    return blocks().repack(
        rows._j_data_stream,
        name,
        packing.shards,
        env.get_max_parallelism(),
        key_cell,
        int_array(cells),
        packing.records,
        packing.bytes,
        packing.linger_ms,
    )
