"""The clean stage: raw blocks become records and columns, or dead letters with a reason."""

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from udfs.features.columns import ColumnReader
from udfs.features.values import Columns
from udfs.functions.blocks import RawBlock
from udfs.records import DeadLetter, Reason
from udfs.use_cases.contract import UseCase

STAGE = "clean"
_DETAIL_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class CleanBlock:
    """The records of a block that can be used, in order of arrival; columns have n rows.

    `places` are their places in the raw block, (n,).
    """

    raw: RawBlock
    places: NDArray[np.int64]
    columns: Columns
    dead_letters: list[DeadLetter]


class Clean:
    """Decodes and checks the records of raw blocks of one topic.

    A record is refused when it is empty, not JSON, not of the use case's schema, more than the
    clock skew ahead of its Kafka timestamp, or keyed by something else than its entity key.
    """

    def __init__(self, use_case: UseCase, topic: str, max_clock_skew_ms: int) -> None:
        self._topic = topic
        self._skew_ms = max_clock_skew_ms
        self._entity_key, self._event_time = use_case.entity_key, use_case.event_time
        self._decoder = msgspec.json.Decoder(use_case.record_type)
        self._columns = ColumnReader(use_case.record_type, use_case.column_types)

    def __call__(self, raw: RawBlock) -> CleanBlock:
        """The usable records of a block, and a dead letter for every other one."""
        records, places, refused = self._decode(raw)
        columns = self._columns(records)
        at = np.array(places, dtype=np.int64)
        keep = self._check(raw, at, columns, refused)
        if not keep.all():
            at, columns = at[keep], {field: column[keep] for field, column in columns.items()}
        letters = [
            dead_letter(raw, place, self._topic, STAGE, reason=reason, detail=detail)
            for place, (reason, detail) in sorted(refused.items())
        ]
        return CleanBlock(raw, at, columns, letters)

    def _decode(self, raw: RawBlock) -> tuple[list[Any], list[int], dict[int, tuple[Reason, str]]]:
        decode = self._decoder.decode
        records, places, refused = [], [], {}
        for place, value in enumerate(raw.values):
            if not value:
                refused[place] = (Reason.EMPTY, "the record has no value")
                continue
            try:
                records.append(decode(value))
                places.append(place)
            except msgspec.ValidationError as error:
                refused[place] = (Reason.SCHEMA, str(error))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                refused[place] = (Reason.NOT_JSON, str(error))
        return records, places, refused

    def _check(
        self,
        raw: RawBlock,
        at: NDArray[np.int64],
        columns: Columns,
        refused: dict[int, tuple[Reason, str]],
    ) -> NDArray[np.bool_]:
        """Which decoded records pass, bool (n,); reasons for the others go into `refused`."""
        keep = np.ones(len(at), dtype=np.bool_)
        ahead = columns[self._event_time] - raw.timestamps_ms[at]
        for i in np.flatnonzero((ahead > self._skew_ms) & (raw.timestamps_ms[at] >= 0)).tolist():
            detail = f"{self._event_time} is {ahead[i]} ms ahead of the record's Kafka timestamp"
            refused[int(at[i])] = (Reason.EVENT_TIME_AHEAD, detail)
            keep[i] = False
        # A record on the wrong shard would miss events in its windows without a sign.
        expected = [b"%d" % key for key in columns[self._entity_key].tolist()]
        found = [raw.keys[place] for place in at.tolist()]
        for i in np.flatnonzero([a != b for a, b in zip(expected, found, strict=True)]).tolist():
            detail = f"the record key is {found[i]!r}, {self._entity_key} {expected[i].decode()}"
            refused.setdefault(int(at[i]), (Reason.KEY_MISMATCH, detail))
            keep[i] = False
        return keep


def dead_letter(
    raw: RawBlock, place: int, topic: str, stage: str, *, reason: Reason, detail: str
) -> DeadLetter:
    """The record at a place of a raw block, whole, with the reason why it cannot be used.

    Args:
        raw: the block.
        place: where the record lies in it.
        topic: the raw topic.
        stage: that refused it.
        reason: its class.
        detail: what is wrong; its start is kept.
    """
    return DeadLetter(
        reason=reason,
        stage=stage,
        detail=detail[:_DETAIL_CHARACTERS],
        source_topic=topic,
        source_partition=int(raw.partitions[place]),
        source_offset=int(raw.offsets[place]),
        kafka_timestamp_ms=int(raw.timestamps_ms[place]),
        key=raw.keys[place],
        value=raw.values[place],
    )
