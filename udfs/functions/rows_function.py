"""The Flink function of the clean stage and the first folds, when a second entity key follows."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pyflink.datastream import KeyedProcessFunction, RuntimeContext

from udfs.functions.answers import DUPLICATES, encode_dead_letters
from udfs.functions.feature_function import FeatureFunction
from udfs.functions.quiet import loud_letters
from udfs.functions.record_rows import RecordColumns, RecordRows
from udfs.functions.rows import encode_rows, stream_of


class RowsFunction(FeatureFunction):
    """Turns raw blocks of a shard into rows with what the folds over the entity key give.

    Key, time domain, state and failures are those of `FeatureFunction`. Dead letters leave as an
    answer of their own beside the rows.
    """

    def open(self, runtime_context: RuntimeContext) -> None:
        """Registers state and metrics."""
        super().open(runtime_context)
        self._rows = RecordRows(self._use_case)

    def process_element(self, value: bytes, ctx: KeyedProcessFunction.Context) -> Iterator[bytes]:
        """Yields rows of the usable records, then the dead letters; neither when there are none."""
        clean, folded = self._folded(value, ctx)
        if len(clean.places):
            partitions = clean.usable(clean.raw.partitions)
            columns = RecordColumns(
                partitions=partitions,
                streams=stream_of(partitions, ctx.get_current_key()),
                offsets=clean.usable(clean.raw.offsets),
                timestamp_ms=clean.usable(clean.raw.timestamps_ms),
                sequence=folded.sequence,
                late=folded.late,
                duplicate=_flags(clean.duplicate, len(partitions)),
                columns=clean.columns,
                windows=folded.windows,
            )
            yield encode_rows(self._rows.encode(columns))
        letters = loud_letters(self._quiet, clean.dead_letters)
        dropped = loud_letters(self._quiet, clean.dropped)
        if letters or dropped:
            yield encode_dead_letters(letters) + encode_dead_letters(dropped, DUPLICATES)


def _flags(given: NDArray[np.bool_] | None, count: int) -> NDArray[np.bool_]:
    return np.zeros(count, np.bool_) if given is None else given
