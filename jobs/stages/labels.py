"""The labels stage, and the way from the first entity key to the second one."""

from dataclasses import replace
from typing import Any

from pyflink.datastream import DataStream, KeyedStream, StreamExecutionEnvironment

from jobs.stages.jvm import BLOCK_TYPE, blocks, int_array
from jobs.stages.raw import Packing
from udfs.functions.label_function import LabelFunction
from udfs.functions.rows import KEY, RecordRows
from udfs.functions.rows_function import RowsFunction
from udfs.functions.second_function import SecondFunction

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


def label_changes(
    labels: KeyedStream, function: LabelFunction, name: str, shards: int
) -> DataStream:
    """Rows of changes of labels, and answers with dead letters.

    Args:
        labels: raw blocks of labels, and rows of records, by the shard of the business id.
        function: joins them.
        name: of the use case.
        shards: part of the state's name.
    """
    uid = f"{name}/labels/{shards}"
    return labels.process(function, BLOCK_TYPE).uid(uid).name(f"{name}/labels")


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
    """The answers of a stream that has rows as well, as a Java stream."""
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
