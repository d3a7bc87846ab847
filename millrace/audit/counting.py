"""Counts the outcomes of a range of source records: each has to have exactly one."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from millrace.archive.offset_set import OffsetSet, Range, shown
from millrace.archive.stages import Stages
from millrace.audit.ranges import SourceRange
from millrace.kafka.topics import DEAD_LETTERS, DUPLICATES, PREDICTIONS, RAW
from udfs.errors import DataError

OUTCOMES = (PREDICTIONS, DEAD_LETTERS, DUPLICATES)
_BATCH = 20_000

OnProgress = Callable[[str, int], None]
"""Told the stage and how many of its records were read."""


class _Outcome(msgspec.Struct, frozen=True):
    """Where an outcome came from; a dead letter of another topic names that."""

    source_partition: int
    source_offset: int
    source_topic: str | None = None


@dataclass(frozen=True)
class Audit:
    """The outcomes of a range of source records, committed ones only.

    Attributes:
        start: first source offset by partition.
        end: source offset after the last by partition.
        inputs: raw records in the range.
        outcomes: outcomes of them by stage.
        missing: raw records without one.
        missing_ranges: the first few ranges of them, by partition.
        under_way: of the missing ones, those newer than every answered record of their partition.
        double: source offsets with more than one outcome.
        double_ranges: the first few ranges of them, by partition.
        unexplained: outcomes of offsets in the range at which there is no raw record.
    """

    start: Mapping[int, int]
    end: Mapping[int, int]
    inputs: int
    outcomes: Mapping[str, int]
    missing: int
    missing_ranges: Mapping[int, list[Range]]
    under_way: int
    double: int
    double_ranges: Mapping[int, list[Range]]
    unexplained: int

    @property
    def closes(self) -> bool:
        """Whether every record of the range has exactly one outcome."""
        return not (self.missing or self.double or self.unexplained)


def audit(
    stages: Stages,
    use_case: str,
    within: SourceRange,
    on_progress: OnProgress = lambda stage, count: None,
) -> Audit:
    """Compares a range of raw records with predictions and dead letters.

    Reads the outcomes whole: nothing else says which of them belong to the range. Memory: one
    byte a source offset.

    Raises:
        DataError: an outcome does not say where it came from.
    """
    start, end = within
    inputs = {partition: OffsetSet(start[partition]) for partition in start}
    answers = {partition: OffsetSet(start[partition]) for partition in start}
    if any(start[p] < end[p] for p in start):
        raw = stages.read(RAW, start, end)
        collect(inputs, ((r.partition, r.offset) for r in raw), RAW, on_progress)
    outcomes = {
        stage: collect(answers, sources(stages, stage, use_case, within), stage, on_progress)
        for stage in OUTCOMES
    }
    return _compared(within, inputs, answers, outcomes)


def sources(
    stages: Stages, stage: str, use_case: str, within: SourceRange, of: str = RAW
) -> Iterator[tuple[int, int]]:
    """Source partition and offset of a stage's outcomes of records in the range.

    Args:
        stages: where the outcomes are.
        stage: the outcomes' stage.
        use_case: its name.
        within: the range.
        of: the stage that the records are of; a dead letter may be of another one.

    Raises:
        DataError: an outcome does not say where it came from.
    """
    start, end = within
    decode = msgspec.json.Decoder(_Outcome).decode
    origin = f"{use_case}.{of}"
    for record in stages.read(stage):
        try:
            outcome = decode(record.value or b"")
        except msgspec.DecodeError as error:
            raise DataError(
                f"{record.topic}, partition {record.partition}, offset {record.offset} does not "
                f"say where it came from: {error}"
            ) from error
        partition, offset = outcome.source_partition, outcome.source_offset
        if outcome.source_topic not in (None, origin):
            continue
        if partition in start and start[partition] <= offset < end[partition]:
            yield partition, offset


def collect(
    into: Mapping[int, OffsetSet],
    places: Iterator[tuple[int, int]],
    stage: str,
    on_progress: OnProgress,
) -> int:
    """Adds places to the set of their partition; how many there were."""
    waiting: dict[int, list[int]] = defaultdict(list)
    count = 0

    def store() -> None:
        for partition, offsets in waiting.items():
            into[partition].add(np.array(offsets, dtype=np.int64))
        waiting.clear()
        on_progress(stage, count)

    for partition, offset in places:
        waiting[partition].append(offset)
        count += 1
        if count % _BATCH == 0:
            store()
    store()
    return count


def _compared(
    within: SourceRange,
    inputs: Mapping[int, OffsetSet],
    answers: Mapping[int, OffsetSet],
    outcomes: Mapping[str, int],
) -> Audit:
    missing = {p: list(inputs[p].without(answers[p])) for p in inputs}
    unexplained = {p: list(answers[p].without(inputs[p])) for p in inputs}
    under_way = sum(
        last - first + 1
        for p, ranges in missing.items()
        for first, last in ranges
        if first >= answers[p].end
    )
    return Audit(
        start=within[0],
        end=within[1],
        inputs=sum(found.rows for found in inputs.values()),
        outcomes=outcomes,
        missing=_size(missing),
        missing_ranges={p: shown(iter(ranges)) for p, ranges in missing.items() if ranges},
        under_way=under_way,
        double=sum(found.repeated for found in answers.values()),
        double_ranges={p: shown(found.repeats()) for p, found in answers.items() if found.repeated},
        unexplained=_size(unexplained),
    )


def _size(ranges: Mapping[int, list[Range]]) -> int:
    return sum(last - first + 1 for found in ranges.values() for first, last in found)
