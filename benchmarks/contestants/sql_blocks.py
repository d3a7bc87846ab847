"""The block form without a Java operator: SQL packs the records and unnests the answers.

The same Python work on the same blocks; only packing and unpacking differ. Windows of processing
time fire by the clock, so a source that ends would leave its last records inside. The topic is
read without an end here, and the run is ended once all answers are there.
"""

from collections.abc import Iterator

import numpy as np
from pyflink.common import Row, Time, Types
from pyflink.datastream import AsyncDataStream, DataStream, KeyedProcessFunction, KeyedStream
from pyflink.java_gateway import get_gateway
from pyflink.table import DataTypes, Schema, StreamTableEnvironment

from benchmarks.assignment import DEADLINE_MS, Assignment
from benchmarks.contestants.flink import create_sink, create_source, job_environment
from benchmarks.contestants.score import USE_CASE
from udfs.functions.blocks import RawBlock
from udfs.functions.feature_block import FeatureBlock
from udfs.functions.feature_function import FeatureFunction
from udfs.functions.predict_function import PredictFunction
from udfs.functions.slices import Slices

_BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
_HEADER_INTS = 4
_SOURCE = """`value` BYTES, `key` BYTES,
    `part` INT METADATA FROM 'partition' VIRTUAL,
    `place` BIGINT METADATA FROM 'offset' VIRTUAL,
    `stamp` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
    `now` AS PROCTIME()"""


class SqlFeatureFunction(FeatureFunction):
    """Our features stage on rows of arrays instead of packed blocks; state as there."""

    def process_element(
        self, value: Row, ctx: KeyedProcessFunction.Context
    ) -> Iterator[FeatureBlock]:
        """Yields the features of one window of records of a partition."""
        partition, values, keys, offsets = value
        count = len(values)
        raw = RawBlock(
            np.array(offsets, np.int64),
            np.full(count, -1, np.int64),
            np.full(count, partition, np.int32),
            Slices.of(bytes(key) for key in keys),
            Slices.of(bytes(one) for one in values),
        )
        clean = self._clean(raw)
        folded = self._fold(ctx.get_current_key(), clean)
        features = self._use_case.assemble(clean.columns, folded.windows)
        yield FeatureBlock(clean, folded, features)


class SqlPredictFunction(PredictFunction):
    """Our predictions stage with an array of records for an answer."""

    async def async_invoke(self, value: FeatureBlock) -> list[Row]:
        """The predictions of one block, as an array for UNNEST."""
        (answer,) = await super().async_invoke(value)
        header = np.frombuffer(answer, "<i4", _HEADER_INTS)
        lines = _HEADER_INTS * 4 + 4 * int(header[1]) + int(header[2])
        return [Row(answer[lines:].splitlines())]


def run(assignment: Assignment) -> None:
    """Runs until it is ended."""
    env = job_environment(assignment, "SQL blocks")
    tables = StreamTableEnvironment.create(env)
    key = "'key.format' = 'raw', 'key.fields' = 'key', 'value.fields-include' = 'EXCEPT_KEY',"
    create_source(tables, assignment, _SOURCE, key)
    create_sink(tables, assignment, "`value` BYTES")
    topic = assignment.raw_topics[0]
    features = SqlFeatureFunction(USE_CASE, topic, 3_600_000)
    predict = SqlPredictFunction(USE_CASE, topic, assignment.serving_target, DEADLINE_MS, False)
    answers = AsyncDataStream.unordered_wait(
        _packed(tables, assignment).process(features),
        predict,
        Time.milliseconds(0),
        64,
        Types.ROW_NAMED(["records"], [Types.OBJECT_ARRAY(_BYTES)]),
    )
    array = Schema.new_builder().column("records", DataTypes.ARRAY(DataTypes.BYTES())).build()
    tables.create_temporary_view("answers", tables.from_data_stream(answers, array))
    tables.execute_sql(
        "INSERT INTO sink SELECT record FROM answers CROSS JOIN UNNEST(records) AS a(record)"
    ).wait()


def _packed(tables: StreamTableEnvironment, assignment: Assignment) -> KeyedStream:
    """Windows of records, keyed by source partition in the JVM."""
    linger = f"INTERVAL '{assignment.settings.linger_ms / 1000:.3f}' SECOND(1, 3)"
    query = tables.sql_query(
        f"""SELECT part, ROW(part, ARRAY_AGG(`value`), ARRAY_AGG(`key`), ARRAY_AGG(place))
        FROM TABLE(TUMBLE(TABLE source, DESCRIPTOR(`now`), {linger}))
        GROUP BY part, window_start, window_end"""
    )
    stream = tables.to_data_stream(query)._j_data_stream
    block = Types.ROW(
        [
            Types.INT(),
            Types.OBJECT_ARRAY(_BYTES),
            Types.OBJECT_ARRAY(_BYTES),
            Types.OBJECT_ARRAY(Types.LONG()),
        ]
    )
    # Plain type information, or PyFlink's selector could not take the key in the JVM.
    pair = Types.ROW_NAMED(["part", "block"], [Types.INT(), block])
    stream.getTransformation().setOutputType(pair.get_java_type_info())
    selector = get_gateway().jvm.org.apache.flink.streaming.api.functions.python.KeyByKeySelector()
    keyed = stream.keyBy(selector, Types.ROW([Types.INT()]).get_java_type_info())
    return KeyedStream(keyed, block, DataStream(stream))
