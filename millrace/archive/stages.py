"""The records of a use case's stages, from the topics, from the archive, or from both."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from millrace.archive.layout import Archive, date_of, open_archive
from millrace.archive.progress import Progress
from millrace.archive.reading import read as read_archive
from millrace.archive.records import records
from millrace.kafka.cluster import Cluster, cluster
from millrace.kafka.readers import (
    Offsets,
    Record,
    end_offsets,
    first_offsets,
    offsets_at,
)
from millrace.kafka.readers import read as read_topic
from millrace.settings import Settings


class Stages(Protocol):
    """Where the records of a use case are read: committed ones only."""

    def read(
        self, stage: str, start: Offsets | None = None, end: Offsets | None = None
    ) -> Iterator[Record]:
        """Records of a stage, of the partitions in `start` and `end` only when those are given."""

    def first(self, stage: str) -> dict[int, int]:
        """The oldest offset of each partition."""

    def end(self, stage: str) -> dict[int, int]:
        """The offset after the newest one of each partition."""

    def at(self, stage: str, time_ms: int) -> dict[int, int]:
        """The oldest offset of each partition whose Kafka timestamp is not before a time."""


def opened(settings: Settings, use_case: str, *, archived: bool) -> Stages:
    """The stages of a deployment's use case, in its archive or in its topics.

    Raises:
        ConfigurationError: there is no archive.
    """
    if archived:
        return ArchiveStages(open_archive(settings.archive_path, use_case))
    return TopicStages(cluster(settings.kafka), use_case)


class TopicStages:
    """Stages as they are in Kafka."""

    def __init__(self, cluster: Cluster, use_case: str) -> None:
        self._cluster = cluster
        self._use_case = use_case

    def read(
        self, stage: str, start: Offsets | None = None, end: Offsets | None = None
    ) -> Iterator[Record]:
        """Records of a topic, each partition in its order."""
        return read_topic(self._cluster, self._topic(stage), start=start, end=end)

    def first(self, stage: str) -> dict[int, int]:
        """The oldest offset of each partition."""
        return first_offsets(self._cluster, self._topic(stage))

    def end(self, stage: str) -> dict[int, int]:
        """The offset after the newest one of each partition."""
        return end_offsets(self._cluster, self._topic(stage))

    def at(self, stage: str, time_ms: int) -> dict[int, int]:
        """The oldest offset of each partition whose Kafka timestamp is not before a time."""
        return offsets_at(self._cluster, self._topic(stage), time_ms)

    def _topic(self, stage: str) -> str:
        return f"{self._use_case}.{stage}"


class ArchiveStages:
    """Stages as they are in the archive."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def read(
        self,
        stage: str,
        start: Offsets | None = None,
        end: Offsets | None = None,
        *,
        since: date | None = None,
    ) -> Iterator[Record]:
        """Records by date, then by file; within it each partition in its order."""
        topic = f"{self._archive.use_case}.{stage}"
        for batch in read_archive(self._archive, stage, since=since):
            chosen = batch.filter(_inside(batch, start, end))
            yield from records(topic, chosen)

    def first(self, stage: str) -> dict[int, int]:
        """The oldest offset of each partition."""
        return self.at(stage, -(2**63))

    def end(self, stage: str) -> dict[int, int]:
        """The offset after the newest one of each partition."""
        return Progress(self._archive).ends(stage)

    def at(self, stage: str, time_ms: int) -> dict[int, int]:
        """The oldest offset of each partition whose Kafka timestamp is not before a time."""
        found = self.end(stage)
        columns = ["partition", "offset", "timestamp_ms"]
        for batch in read_archive(self._archive, stage, since=_day(time_ms), columns=columns):
            late = batch.filter(pc.greater_equal(batch.column("timestamp_ms"), time_ms))
            partitions, offsets = late.column(0).to_numpy(), late.column(1).to_numpy()
            for partition in np.unique(partitions).tolist():
                oldest = int(offsets[partitions == partition].min())
                found[partition] = min(found[partition], oldest)
        return found


def _day(time_ms: int) -> date | None:
    day = date_of(time_ms)
    return day if day > date.min + timedelta(1) else None


def _inside(batch: pa.RecordBatch, start: Offsets | None, end: Offsets | None) -> pa.Array:
    """Which rows lie in a range, bool (n,)."""
    partitions, offsets = batch.column("partition").to_numpy(), batch.column("offset").to_numpy()
    keep = np.ones(len(offsets), dtype=np.bool_)
    for bounds, beyond in ((start, np.less), (end, np.greater_equal)):
        if bounds is None:
            continue
        keep &= np.isin(partitions, list(bounds))
        for partition, offset in bounds.items():
            keep &= ~((partitions == partition) & beyond(offsets, offset))
    return pa.array(keep)
