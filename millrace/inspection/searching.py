"""Finds records by what their values contain, in the archive and in what is newer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from millrace.archive.layout import Archive
from millrace.archive.progress import Progress
from millrace.archive.reading import read as read_archive
from millrace.archive.records import records
from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import Record, end_offsets, first_offsets
from millrace.kafka.readers import read as read_topic

ARCHIVE, TOPIC = "archive", "topic"


@dataclass(frozen=True)
class Found:
    """A record and where it was found, `archive` or `topic`."""

    record: Record
    where: str


class Search:
    """Searches stages of a use case: what is archived there, the rest in the topic.

    Args:
        cluster: where the topics are.
        use_case: its name.
        archive: its archive, None when there is none.
    """

    def __init__(self, cluster: Cluster, use_case: str, archive: Archive | None) -> None:
        self._cluster = cluster
        self._use_case = use_case
        self._archive = archive

    def values(self, stage: str, pattern: str) -> Iterator[Found]:
        """Records whose value matches a regular expression somewhere.

        Args:
            stage: whose records.
            pattern: in the common part of Python's and RE2's syntax; of bytes.
        """
        wanted = re.compile(pattern.encode())
        for batch in self._batches(stage):
            matches = pc.match_substring_regex(batch.column("value"), pattern)
            yield from self._archived(stage, batch.filter(pc.fill_null(matches, False)))
        for record in self._newer(stage):
            if record.value is not None and wanted.search(record.value):
                yield Found(record, TOPIC)

    def places(self, stage: str, places: set[tuple[int, int]]) -> Iterator[Found]:
        """The records at some partitions and offsets."""
        left = set(places)
        partitions = pa.array([p for p, _ in places], pa.int32())
        offsets = pa.array([o for _, o in places], pa.int64())
        for batch in self._batches(stage):
            near = pc.and_(
                pc.is_in(batch.column("partition"), partitions),
                pc.is_in(batch.column("offset"), offsets),
            )
            for found in self._archived(stage, batch.filter(near)):
                if (found.record.partition, found.record.offset) in left:
                    yield found
                    left.discard((found.record.partition, found.record.offset))
        yield from self._at(stage, left)

    def _at(self, stage: str, places: set[tuple[int, int]]) -> Iterator[Found]:
        topic = f"{self._use_case}.{stage}"
        if not places:
            return
        first, end = first_offsets(self._cluster, topic), end_offsets(self._cluster, topic)
        for partition, offset in sorted(places):
            if first.get(partition, 0) <= offset < end.get(partition, 0):
                bounds = ({partition: offset}, {partition: offset + 1})
                for record in read_topic(self._cluster, topic, start=bounds[0], end=bounds[1]):
                    yield Found(record, TOPIC)

    def _batches(self, stage: str) -> Iterator[pa.RecordBatch]:
        return iter(()) if self._archive is None else read_archive(self._archive, stage)

    def _archived(self, stage: str, rows: pa.RecordBatch) -> Iterator[Found]:
        for record in records(f"{self._use_case}.{stage}", rows):
            yield Found(record, ARCHIVE)

    def _newer(self, stage: str) -> Iterator[Record]:
        topic = f"{self._use_case}.{stage}"
        archived = {} if self._archive is None else Progress(self._archive).ends(stage)
        first, end = first_offsets(self._cluster, topic), end_offsets(self._cluster, topic)
        start = {p: max(offset, archived.get(p, 0)) for p, offset in first.items()}
        return read_topic(self._cluster, topic, start=start, end=end)
