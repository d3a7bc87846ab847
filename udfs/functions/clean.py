"""The clean stage: raw blocks become records and columns, or dead letters with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from udfs.features.columns import ColumnReader
from udfs.features.values import Columns
from udfs.functions.blocks import RawBlock
from udfs.functions.slices import Slices
from udfs.records import CLEAN_STAGE, DeadLetter, Reason
from udfs.use_cases.contract import UseCase

_Row = TypeVar("_Row", bound=np.generic)

STAGE = CLEAN_STAGE
_DETAIL_CHARACTERS = 200
_PART_RECORDS = 1024
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class CleanBlock:
    """The records of a block that can be used, in order of arrival; columns have n rows.

    `places` are their places in the raw block, (n,). `duplicate` says which business ids were
    there before, bool (n,), None where nobody looks; `dropped` are records left out for it.
    """

    raw: RawBlock
    places: NDArray[np.int64]
    columns: Columns
    dead_letters: list[DeadLetter]
    duplicate: NDArray[np.bool_] | None = None
    dropped: Sequence[DeadLetter] = ()

    def usable(self, column: NDArray[_Row]) -> NDArray[_Row]:
        """What a column of the raw block holds of the records that can be used, (n,)."""
        return _at(column, self.places)


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
        columns, at, refused = self._decode(raw)
        keep = self._check(raw, at, columns, refused)
        if not keep.all():
            at, columns = at[keep], {field: column[keep] for field, column in columns.items()}
        letters = [
            dead_letter(raw, place, self._topic, STAGE, reason=reason, detail=detail)
            for place, (reason, detail) in sorted(refused.items())
        ]
        return CleanBlock(raw, at, columns, letters)

    def _decode(
        self, raw: RawBlock
    ) -> tuple[Columns, NDArray[np.int64], dict[int, tuple[Reason, str]]]:
        """Columns and places of the records that could be decoded, and why others could not.

        Goes by parts of the block: their records stay in the processor's cache, and their memory
        is used again by the next part's.
        """
        parts: list[Columns] = []
        refused: dict[int, tuple[Reason, str]] = {}
        for start in range(0, max(len(raw), 1), _PART_RECORDS):
            parts.append(self._columns(self._records(raw, start, refused)))
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        places = np.arange(len(raw))
        if refused:
            places = np.delete(places, list(refused))
        return columns, places, refused

    def _records(
        self, raw: RawBlock, start: int, refused: dict[int, tuple[Reason, str]]
    ) -> list[Any]:
        """The records of the part from `start` on that could be decoded; notes the others."""
        part, decode = raw.values[start : start + _PART_RECORDS], self._decoder.decode
        buffer = part.buffer
        cuts = list(zip(part.starts.tolist(), part.ends.tolist(), strict=True))
        try:
            return [decode(buffer[at:end]) for at, end in cuts]
        except _UNDECODABLE:
            return self._one_by_one(part, start, refused)

    def _one_by_one(
        self, part: Slices, start: int, refused: dict[int, tuple[Reason, str]]
    ) -> list[Any]:
        """The records of a part of which some cannot be decoded."""
        decode, records = self._decoder.decode, []
        for place, value in enumerate(part, start):
            if not value:
                refused[place] = (Reason.EMPTY, "the record has no value")
                continue
            try:
                records.append(decode(value))
            except msgspec.ValidationError as error:
                refused[place] = (Reason.SCHEMA, str(error))
            except _UNDECODABLE as error:
                refused[place] = (Reason.NOT_JSON, str(error))
        return records

    def _check(
        self,
        raw: RawBlock,
        at: NDArray[np.int64],
        columns: Columns,
        refused: dict[int, tuple[Reason, str]],
    ) -> NDArray[np.bool_]:
        """Which decoded records pass, bool (n,); reasons for the others go into `refused`."""
        keep = np.ones(len(at), dtype=np.bool_)
        kafka_ms = _at(raw.timestamps_ms, at)
        ahead = columns[self._event_time] - kafka_ms
        for i in np.flatnonzero((ahead > self._skew_ms) & (kafka_ms >= 0)).tolist():
            detail = f"{self._event_time} is {ahead[i]} ms ahead of the record's Kafka timestamp"
            refused[int(at[i])] = (Reason.EVENT_TIME_AHEAD, detail)
            keep[i] = False
        # A record on the wrong shard would miss events in its windows without a sign.
        keys, expected = raw.keys.at(at), columns[self._entity_key]
        for i in np.flatnonzero(~keys.are_decimals(expected)).tolist():
            detail = f"the record key is {keys[i]!r}, {self._entity_key} {expected[i]}"
            refused.setdefault(int(at[i]), (Reason.KEY_MISMATCH, detail))
            keep[i] = False
        return keep


def _at(column: NDArray[_Row], places: NDArray[np.int64]) -> NDArray[_Row]:
    """The rows at ascending places, (n,), which mostly are all."""
    return column if len(places) == len(column) else column[places]


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
