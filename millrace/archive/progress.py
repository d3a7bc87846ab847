"""How far an archive goes, as its own files say."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from millrace.archive.layout import STAGES, Archive
from millrace.archive.listing import ArchiveFile, all_files, held
from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import end_offsets, first_offsets
from udfs.errors import ConfigurationError


class Progress:
    """The newest archived offsets; files seen before are not opened again.

    Args:
        archive: of the use case; it may still be empty.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._seen: dict[Path, ArchiveFile] = {}

    @property
    def files(self) -> list[ArchiveFile]:
        """The files that were seen so far, also those that a compacted one replaced."""
        return list(self._seen.values())

    def ends(self, stage: str) -> dict[int, int]:
        """The offset after the newest archived one, by partition."""
        found: dict[int, int] = {}
        for day in self._archive.dates(stage):
            for file in self._files(stage, day):
                for partition, span in file.spans.items():
                    found[partition] = max(found.get(partition, 0), span.last + 1)
        return found

    def holds(self, until: Mapping[str, Mapping[int, int]]) -> bool:
        """Whether these offsets, by stage and partition, are archived."""
        for stage, offsets in until.items():
            ends = self.ends(stage)
            if any(ends.get(partition, 0) <= offset for partition, offset in offsets.items()):
                return False
        return True

    def _files(self, stage: str, day: date) -> list[ArchiveFile]:
        folder = self._archive.folder(stage, day)
        with held(folder):
            found = all_files(folder, self._seen)
        self._seen.update((file.path, file) for file in found)
        return found


def next_offsets(cluster: Cluster, archive: Archive) -> dict[str, int]:
    """Where a job without state has to begin: `topic/partition` to offset, for all partitions.

    Raises:
        ConfigurationError: a topic is missing, or the archive holds offsets that its topic never
            had, so it is another topic's.
        UnavailableError: no broker answers.
    """
    progress, found = Progress(archive), {}
    for stage in STAGES:
        topic = f"{archive.use_case}.{stage}"
        archived = progress.ends(stage)
        first = first_offsets(cluster, topic)
        for partition, end in end_offsets(cluster, topic, committed=False).items():
            begin = max(first[partition], archived.get(partition, 0))
            if begin > end:
                raise ConfigurationError(
                    f"{archive.path} holds offsets of {topic}, partition {partition}, up to "
                    f"{begin - 1}, but the topic ends before {end}: it is the archive of an "
                    "earlier topic; move it away, or set archive.path to another folder"
                )
            found[f"{topic}/{partition}"] = begin
    return found
