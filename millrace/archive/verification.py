"""Compares an archive with its topics: every offset exactly once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from millrace.archive.layout import STAGES, Archive
from millrace.archive.markers import keep_markers, known_markers
from millrace.archive.offset_set import OffsetSet, shown
from millrace.archive.ranges import Range, size, without
from millrace.archive.reading import read
from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import end_offsets, first_offsets
from millrace.kafka.readers import read as read_topic


@dataclass(frozen=True)
class PartitionCheck:
    """A partition of a topic beside what the archive has of it. Committed records only.

    Attributes:
        stage: the stage.
        partition: the partition.
        archived: different offsets in the archive.
        newest: the newest archived offset, None without one.
        missing: records that are in the topic and older than the newest archived one, but are not
            archived.
        missing_ranges: the first few of them.
        twice: offsets that are archived more than once.
        twice_ranges: the first few of them.
        markers: offsets without a record: markers of transactions, aborted records.
        unknown: offsets that are neither archived nor in the topic any more, which deleted them
            before it was seen whether they are markers.
        foreign: archived offsets at or behind the end of the topic: another topic's archive.
        behind: offsets in the topic that are newer than the newest archived one.
    """

    stage: str
    partition: int
    archived: int
    newest: int | None
    missing: int
    missing_ranges: list[Range]
    twice: int
    twice_ranges: list[Range]
    markers: int
    unknown: int
    foreign: int
    behind: int

    @property
    def holds(self) -> bool:
        """Whether every offset up to the newest archived one is there exactly once."""
        return not (self.missing or self.twice or self.foreign)


@dataclass
class _Stage:
    """A stage's offsets while they are compared."""

    first: dict[int, int]
    end: dict[int, int]
    archived: dict[int, OffsetSet] = field(default_factory=dict)
    records: dict[int, OffsetSet] = field(default_factory=dict)
    markers: dict[int, list[Range]] = field(default_factory=dict)

    def set_of(self, partition: int) -> OffsetSet:
        return self.archived.setdefault(partition, OffsetSet())


def verify(
    cluster: Cluster, archive: Archive, stages: tuple[str, ...] = STAGES, *, keep: bool = False
) -> Iterator[PartitionCheck]:
    """The checks of all partitions, stage by stage.

    Reads the offsets in the archive, and the topic only where the archive has a gap.

    Args:
        cluster: where the topics are.
        archive: of the use case.
        stages: what is compared.
        keep: the archive remembers which offsets hold no record in the topic.

    Raises:
        ConfigurationError: there is no such topic.
        UnavailableError: no broker answers.
    """
    for stage in stages:
        topic = f"{archive.use_case}.{stage}"
        # The topic's end first: what is archived afterwards must not look foreign.
        first, end = first_offsets(cluster, topic), end_offsets(cluster, topic)
        state = _Stage(first, end)
        for batch in read(archive, stage, columns=["partition", "offset"]):
            partitions, offsets = batch.column(0).to_numpy(), batch.column(1).to_numpy()
            for partition in np.unique(partitions).tolist():
                state.set_of(partition).add(offsets[partitions == partition])
        latest = end_offsets(cluster, topic)
        state.records = _records_in_gaps(cluster, topic, state)
        state.markers = known_markers(archive, stage)
        for partition in sorted({*end, *state.archived}):
            yield _check(stage, partition, state, latest.get(partition, 0))
        if keep and state.archived:
            keep_markers(archive, stage, _without_record(cluster, topic, state))


def waiting_records(
    cluster: Cluster, archive: Archive, checks: Iterable[PartitionCheck]
) -> dict[str, int]:
    """How many committed records of each stage are newer than the newest archived one.

    Offsets alone do not tell: what is behind the last record of a topic may be markers only.
    """
    found: dict[str, int] = {}
    for stage, ends in _newest(checks).items():
        topic = f"{archive.use_case}.{stage}"
        first, end = first_offsets(cluster, topic), end_offsets(cluster, topic)
        start = {p: max(first[p], ends.get(p, 0)) for p in end}
        found[stage] = sum(1 for _ in read_topic(cluster, topic, start=start, end=end))
    return found


def _newest(checks: Iterable[PartitionCheck]) -> dict[str, dict[int, int]]:
    """The offset after the newest archived one, by stage and partition."""
    found: dict[str, dict[int, int]] = {}
    for check in checks:
        ends = found.setdefault(check.stage, {})
        ends[check.partition] = 0 if check.newest is None else check.newest + 1
    return found


def _records_in_gaps(cluster: Cluster, topic: str, state: _Stage) -> dict[int, OffsetSet]:
    """Offsets of committed records in the topic that the archive lacks below its newest one."""
    start, end = {}, {}
    for partition, archived in state.archived.items():
        absent = list(archived.absent(state.first.get(partition, 0), archived.end))
        if absent:
            start[partition], end[partition] = absent[0][0], absent[-1][1] + 1
    found: dict[int, OffsetSet] = {}
    for record in read_topic(cluster, topic, start=start, end=end) if start else ():
        if record.offset not in state.archived[record.partition]:
            offsets = found.setdefault(record.partition, OffsetSet())
            offsets.add(np.array([record.offset]))
    return found


def _markers(state: _Stage, partition: int) -> list[Range]:
    """Offsets in the topic, up to the newest archived one, that hold no committed record."""
    archived, records = state.archived[partition], state.records.get(partition) or OffsetSet()
    absent = archived.absent(state.first.get(partition, 0), archived.end)
    return list(without(absent, records.present()))


def _without_record(cluster: Cluster, topic: str, state: _Stage) -> dict[int, list[Range]]:
    """Offsets in the topic that hold no committed record, as far as the archive tells."""
    return {p: [*_markers(state, p), *_behind(cluster, topic, state, p)] for p in state.archived}


def _behind(cluster: Cluster, topic: str, state: _Stage, partition: int) -> list[Range]:
    """Offsets behind the newest archived one that hold no record, up to the topic's next one."""
    begin = max(state.first.get(partition, 0), state.archived[partition].end)
    end = state.end.get(partition, 0)
    if begin >= end:
        return []
    newer = next(read_topic(cluster, topic, start={partition: begin}, end={partition: end}), None)
    last = (end if newer is None else newer.offset) - 1
    return [(begin, last)] if begin <= last else []


def _check(stage: str, partition: int, state: _Stage, latest: int) -> PartitionCheck:
    archived = state.set_of(partition)
    first, missing = state.first.get(partition, 0), state.records.get(partition) or OffsetSet()
    end = state.end.get(partition, 0)
    before = list(archived.absent(0, min(first, archived.end)))
    unknown = size(without(before, state.markers.get(partition, ())))
    return PartitionCheck(
        stage=stage,
        partition=partition,
        archived=archived.within(0, archived.end),
        newest=archived.end - 1 if archived.rows else None,
        missing=missing.rows,
        missing_ranges=shown(missing.present()),
        twice=archived.repeated,
        twice_ranges=shown(archived.repeats()),
        markers=size(_markers(state, partition)) + size(before) - unknown,
        unknown=unknown,
        foreign=archived.within(latest, archived.end),
        behind=max(end - max(archived.end, first), 0),
    )
