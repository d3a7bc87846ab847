"""Where Kafka goes on behind an archive, without a record that is in neither."""

from collections.abc import Mapping
from dataclasses import dataclass

from millrace.archive.layout import Archive
from millrace.archive.markers import known_markers
from millrace.archive.offset_set import OffsetSet
from millrace.archive.progress import Progress
from millrace.archive.ranges import Range, size, within, without
from millrace.archive.reading import read
from millrace.archive.stages import ArchiveStages
from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import Offsets, end_offsets, first_offsets
from millrace.kafka.readers import read as read_topic
from udfs.errors import ConfigurationError

_SHOWN = 3


@dataclass(frozen=True)
class Choice:
    """What of an archive is read.

    Attributes:
        since_ms: a Kafka timestamp; in each partition the archive is read from the first record
            that is not before it. None: from its oldest one.
        accept_gaps: go on over offsets that neither archive nor topic has any more.
    """

    since_ms: int | None = None
    accept_gaps: bool = False


@dataclass(frozen=True)
class Continuation:
    """How a stage is read: from its archive, then from its topic.

    Attributes:
        start: by partition, the first archived offset that is read.
        begin: by partition, where Kafka's turn comes; the archive is read up to it.
        records: how many archived records there are in between.
        holding: partitions with more in Kafka.
        deleted: offsets before the oldest archived ones, which the topic has deleted.
        unknown: later offsets that neither has any more, accepted as gaps; not those that
            `millrace archive verify` has seen to hold no record.
    """

    start: Mapping[int, int]
    begin: Mapping[int, int]
    records: int
    holding: frozenset[int]
    deleted: int
    unknown: int


def continuation(
    cluster: Cluster,
    archive: Archive,
    stage: str,
    choice: Choice,
    border: Offsets | None = None,
) -> Continuation:
    """How to read a stage from its archive and go on from its topic at the next offset.

    Reads all archived offsets, and the topic where the archive has gaps.

    Args:
        cluster: where the topic is.
        archive: of the use case.
        stage: `raw` or `labels`.
        choice: what of the archive is read.
        border: by partition, an offset at which Kafka's turn has to come at the latest.

    Raises:
        ConfigurationError: a record is in neither, or twice in the archive, or the archive is of
            another topic.
    """
    topic = f"{archive.use_case}.{stage}"
    archived = Progress(archive).ends(stage)
    first, end = first_offsets(cluster, topic), end_offsets(cluster, topic, committed=False)
    begin = {}
    for p in sorted({*end, *archived}):
        _require_same_topic(topic, p, archived.get(p, 0), end.get(p, 0))
        limit = (border or {}).get(p, end[p])
        _require_in_topic(topic, p, limit, first[p])
        # What the topic has deleted behind the archive's end is looked at with the other gaps.
        begin[p] = max(first[p], min(archived.get(p, 0), limit))
    start = dict.fromkeys(begin, 0)
    if choice.since_ms is not None:
        since = ArchiveStages(archive).at(stage, choice.since_ms)
        start = {p: min(since.get(p, 0), begin[p]) for p in begin}
    held = _archived(archive, stage, start, begin)
    absent = {p: list(held[p].absent(start[p], begin[p])) for p in begin}
    _require_once(topic, held)
    _require_no_record(cluster, topic, absent, first)
    oldest = {p: min((a for a, _ in held[p].present()), default=0) for p in begin}
    known = known_markers(archive, stage)
    unknown = {
        p: list(without(within(absent[p], oldest[p], first[p]), known.get(p, ()))) for p in begin
    }
    _require_known(topic, unknown, choice)
    return Continuation(
        start=start,
        begin=begin,
        records=sum(offsets.rows for offsets in held.values()),
        holding=frozenset(p for p, offset in begin.items() if offset < end[p]),
        deleted=sum(size(within(absent[p], 0, min(oldest[p], first[p]))) for p in begin),
        unknown=sum(map(size, unknown.values())),
    )


def _archived(archive: Archive, stage: str, start: Offsets, begin: Offsets) -> dict[int, OffsetSet]:
    """The archived offsets that are read, by partition."""
    found = {partition: OffsetSet(offset) for partition, offset in start.items()}
    for batch in read(archive, stage, columns=["partition", "offset"]):
        partitions, offsets = batch.column(0).to_numpy(), batch.column(1).to_numpy()
        for p, held in found.items():
            here = offsets[partitions == p]
            held.add(here[(here >= start[p]) & (here < begin[p])])
    return found


def _places(ranges: Mapping[int, list[Range]]) -> str:
    """The first few of them, in words."""
    told = [f"partition {p}, offsets {a} to {b}" for p, some in ranges.items() for a, b in some]
    return "; ".join(told[:_SHOWN]) + ("; …" if len(told) > _SHOWN else "")


def _require_same_topic(topic: str, partition: int, archived: int, end: int) -> None:
    if archived > end:
        raise ConfigurationError(
            f"the archive has offsets of {topic}, partition {partition}, up to {archived - 1}, but "
            f"the topic ends before {end}: it is the archive of another topic"
        )


def _require_in_topic(topic: str, partition: int, limit: int, first: int) -> None:
    if limit < first:
        raise ConfigurationError(
            f"the outputs of the deployment before this one end before offset {limit} of {topic}, "
            f"partition {partition}, but the topic begins at {first}: what lies between can no "
            "longer be scored from it; without --after it is left out"
        )


def _require_once(topic: str, held: Mapping[int, OffsetSet]) -> None:
    twice = {p: list(offsets.repeats()) for p, offsets in held.items() if offsets.repeated}
    if twice:
        raise ConfigurationError(f"the archive has records of {topic} twice: {_places(twice)}")


def _require_no_record(
    cluster: Cluster, topic: str, absent: Mapping[int, list[Range]], first: Offsets
) -> None:
    """Refuses a gap in the archive where the topic has a committed record."""
    gaps = {p: within(some, first[p], some[-1][1] + 1) for p, some in absent.items() if some}
    gaps = {p: some for p, some in gaps.items() if some}
    if not gaps:
        return
    start = {p: some[0][0] for p, some in gaps.items()}
    end = {p: some[-1][1] + 1 for p, some in gaps.items()}
    for record in read_topic(cluster, topic, start=start, end=end):
        if any(a <= record.offset <= b for a, b in gaps[record.partition]):
            raise ConfigurationError(
                f"the archive lacks a record that {topic} has, partition {record.partition}, "
                f"offset {record.offset}: `millrace archive verify` lists all; a job archive that "
                "is at work may be about to complete the file, then try again in a minute; "
                "--from TIME begins behind it"
            )


def _require_known(topic: str, unknown: Mapping[int, list[Range]], choice: Choice) -> None:
    count = sum(map(size, unknown.values()))
    if count and not choice.accept_gaps:
        raise ConfigurationError(
            f"{count:,} offsets of {topic} are neither in the archive nor in the topic any more "
            f"({_places(unknown)}): markers of transactions which no `millrace archive verify` "
            "has seen in time, or records that are lost, such as those that the topic deleted "
            "before they were archived; --accept-gaps goes on over them, --from TIME begins behind "
            "those that are older"
        )
