"""Blocks of labels that can be used, on their way to the join in the JVM.

The other end is `millrace.flink.ToldLabels`. Little-endian: int32 -2, n; then business ids, labels,
and when each became known in milliseconds, int64 (n,) each; then the raw block of the n records.
"""

import numpy as np

from udfs.functions.clean import CleanBlock
from udfs.use_cases.label_records import LABEL_FIELD, LABEL_TIME

TOLD = -2
"""The first int of a block of labels; raw blocks and answers begin with none below 0."""


def encode_labels(block: CleanBlock, business_id: str) -> bytes:
    """The labels of a clean block, in order of arrival.

    Args:
        block: of the labels' topic.
        business_id: the column of the business id.
    """
    columns = [block.columns[name] for name in (business_id, LABEL_FIELD, LABEL_TIME)]
    header = np.array([TOLD, len(block.places)], "<i4")
    cells = np.concatenate(columns).astype("<i8")
    return header.tobytes() + cells.tobytes() + block.raw.at(block.places).encode()
