"""What a run of the job archive left behind, and whether that is right."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from millrace.archive import Archive, read
from millrace.archive.compaction import compact
from millrace.archive.listing import ArchiveFile, files
from millrace.archive.verification import PartitionCheck, verify
from millrace.kafka.cluster import Cluster
from millrace.kafka.topics import LABELS, RAW

STAGES = (RAW, LABELS)
_MB = 1_000_000


@dataclass(frozen=True)
class Pace:
    """How a run went, as it was watched from outside.

    Attributes:
        seconds: from the first archived records that were seen to the last.
        before_first: records that were archived at that first look.
        at_kill: records that were archived when the TaskManager was killed; 0 without.
        restored: how often the job went back to a checkpoint.
    """

    seconds: float
    before_first: int
    at_kill: int
    restored: int


@dataclass(frozen=True)
class Run:
    """A run and what it left behind.

    Attributes:
        records: in the topics.
        archived: different offsets in the archive.
        missing: offsets in the topics only.
        twice: offsets in the archive more than once.
        archived_at_kill: records that were archived when the TaskManager was killed.
        restored: how often the job went back to a checkpoint.
        seconds: from the first archived records that were seen to the last.
        records_per_s: in that time; those of the first look are left out.
        mb_per_s: likewise, keys and values as they are in Kafka, uncompressed.
        files: in the archive.
        mean_file_mb: their size.
        largest_file_mb: of the largest one.
        bytes_per_record: on disk.
        compacted_files: after `millrace archive compact`.
        mean_compacted_mb: their size.
        right_after_compaction: whether every offset is there exactly once then.
    """

    records: int
    archived: int
    missing: int
    twice: int
    archived_at_kill: int
    restored: int
    seconds: float
    records_per_s: int
    mb_per_s: float
    files: int
    mean_file_mb: float
    largest_file_mb: float
    bytes_per_record: float
    compacted_files: int
    mean_compacted_mb: float
    right_after_compaction: bool

    def wrong(self, *, killed: bool) -> list[str]:
        """A sentence for everything that does not hold."""
        found = []
        if (self.archived, self.missing, self.twice) != (self.records, 0, 0):
            found.append(
                f"{self.archived:,} of {self.records:,} archived, {self.missing:,} missing, "
                f"{self.twice:,} twice"
            )
        if not self.right_after_compaction:
            found.append("compaction lost records or doubled them")
        if killed and not (0 < self.archived_at_kill < self.records and self.restored):
            found.append(
                f"not killed in the middle: {self.archived_at_kill:,} archived before, "
                f"{self.restored} restores"
            )
        return found


def run_of(cluster: Cluster, archive: Archive, records: int, pace: Pace) -> Run:
    """Counts what a run left behind, then compacts it and counts again."""
    checks = list(verify(cluster, archive, STAGES))
    left, payload = list(_files(archive)), _payload_bytes(archive)
    sizes = [file.size for file in left]
    for stage in STAGES:
        list(compact(archive, stage))
    compacted = [file.size for file in _files(archive)]
    per_s = (records - pace.before_first) / max(pace.seconds, 1e-9)
    return Run(
        records=records,
        archived=sum(check.archived for check in checks),
        missing=sum(check.missing for check in checks),
        twice=sum(check.twice for check in checks),
        archived_at_kill=pace.at_kill,
        restored=pace.restored,
        seconds=round(pace.seconds, 1),
        records_per_s=round(per_s),
        mb_per_s=round(per_s * payload / max(records, 1) / _MB, 1),
        files=len(left),
        mean_file_mb=_mean_mb(sizes),
        largest_file_mb=round(max(sizes, default=0) / _MB, 3),
        bytes_per_record=round(sum(sizes) / max(sum(file.rows for file in left), 1), 1),
        compacted_files=len(compacted),
        mean_compacted_mb=_mean_mb(compacted),
        right_after_compaction=_right(verify(cluster, archive, STAGES), records),
    )


def _right(checks: Iterator[PartitionCheck], records: int) -> bool:
    found = list(checks)
    return all(check.holds for check in found) and sum(c.archived for c in found) == records


def _files(archive: Archive) -> Iterator[ArchiveFile]:
    for stage in STAGES:
        for day in archive.dates(stage):
            yield from files(archive, stage, day)


def _payload_bytes(archive: Archive) -> int:
    """Bytes of all keys and values."""
    batches = (b for stage in STAGES for b in read(archive, stage, columns=["key", "value"]))
    return sum(_length(column) for batch in batches for column in batch.columns)


def _length(column: pa.Array) -> int:
    return int(pc.sum(pc.binary_length(column)).as_py() or 0)


def _mean_mb(sizes: list[int]) -> float:
    return round(sum(sizes) / max(len(sizes), 1) / _MB, 3)
