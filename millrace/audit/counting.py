"""Counts the outcomes of a range of source records: each has to have exactly one."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from millrace.archive.offset_set import OffsetSet, shown
from millrace.archive.ranges import Range
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
    inputs = raw_offsets(stages, within, on_progress)
    answers, outcomes = answered(stages, use_case, within, on_progress)
    return _compared(within, inputs, answers, outcomes)


def raw_offsets(
    stages: Stages, within: SourceRange, on_progress: OnProgress
) -> dict[int, OffsetSet]:
    """Offsets of the raw records in a range, by partition."""
    start, end = within
    found = {partition: OffsetSet(start[partition]) for partition in start}
    if any(start[p] < end[p] for p in start):
        raw = stages.read(RAW, start, end)
        _collect(found, ((r.partition, r.offset) for r in raw), RAW, on_progress)
    return found


def answered(
    stages: Stages,
    use_case: str,
    within: SourceRange,
    on_progress: OnProgress,
    *,
    of: str = RAW,
    written: Sequence[str] = OUTCOMES,
) -> tuple[dict[int, OffsetSet], dict[str, int]]:
    """Source offsets of the outcomes of records in a range, by partition; outcomes by stage.

    Args:
        stages: where the outcomes are.
        use_case: its name.
        within: the range.
        on_progress: told the stage and how many of its outcomes were counted.
        of: the stage that the records are of; a dead letter may be of another one.
        written: stages of the outcomes.

    Raises:
        DataError: an outcome does not say where it came from.
    """
    found = {partition: OffsetSet(first) for partition, first in within[0].items()}
    origin = f"{use_case}.{of}"
    counts = {
        stage: _collect(found, _sources(stages, stage, origin, within), stage, on_progress)
        for stage in written
    }
    return found, counts


def _sources(
    stages: Stages, stage: str, origin: str, within: SourceRange
) -> Iterator[tuple[int, int]]:
    """Source partition and offset of a stage's outcomes of a topic's records in the range."""
    start, end = within
    decode = msgspec.json.Decoder(_Outcome).decode
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


def _collect(
    into: Mapping[int, OffsetSet],
    places: Iterator[tuple[int, int]],
    stage: str,
    on_progress: OnProgress,
) -> int:
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
