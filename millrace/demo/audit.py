"""The counts at the end: every input came out once, every label counted, every record archived."""

from dataclasses import dataclass
from typing import Any

import msgspec

from millrace.archive import Archive
from millrace.archive.verification import verify, waiting_records
from millrace.demo.draining import count_records
from millrace.demo.offsets import Answered
from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import end_offsets, read
from millrace.kafka.topics import DEAD_LETTERS, LABEL_CHANGES, LABELS, PREDICTIONS, RAW
from udfs.use_cases.contract import UseCase
from udfs.use_cases.label_records import LABEL_FIELD


class _Letter(msgspec.Struct, frozen=True):
    source_topic: str
    source_partition: int
    source_offset: int


class _Named(msgspec.Struct, frozen=True):
    business_id: int
    source_partition: int
    source_offset: int


@dataclass(frozen=True)
class LabelAudit:
    """What became of the labels.

    Attributes:
        told: labels in their topic.
        changes: changes of what was known of a record.
        unchanged: labels that say what silence says too.
        refused: labels that became dead letters.
        waiting: labels whose record has no prediction, for it is a dead letter.
    """

    told: int
    changes: int
    unchanged: int
    refused: int
    waiting: int

    @property
    def closes(self) -> bool:
        """True when each label had one outcome."""
        return self.told == self.changes + self.unchanged + self.refused + self.waiting


@dataclass(frozen=True)
class Audit:
    """What is in the topics, read anew from their beginning, committed records only.

    Attributes:
        inputs: records in the raw topic.
        predictions: in their topic.
        dead_letters: of raw records, in theirs.
        missing: source offsets without an answer.
        extra: answers beyond one a source offset.
        labels: what became of labels; None for a use case without a feed of them.
    """

    inputs: int
    predictions: int
    dead_letters: int
    missing: int
    extra: int
    labels: LabelAudit | None = None

    @property
    def closes(self) -> bool:
        """True when nothing is missing and nothing came twice."""
        out = self.predictions + self.dead_letters
        return self.missing == 0 and self.extra == 0 and self.inputs == out


@dataclass(frozen=True)
class ArchiveAudit:
    """The archive beside the topics.

    Attributes:
        rows: by stage; offsets that are there more than once count once.
        missing: committed records that are older than archived ones and not archived.
        twice: offsets that are archived more than once.
        waiting: committed records that are newer than all archived ones.
    """

    rows: dict[str, int]
    missing: int
    twice: int
    waiting: int

    @property
    def closes(self) -> bool:
        """True when every record of every topic is archived once."""
        return self.missing == 0 and self.twice == 0 and self.waiting == 0


def audit(cluster: Cluster, use_case: UseCase) -> Audit:
    """Compares the topics of a use case, by source partition and offset."""
    name = use_case.name
    end = end_offsets(cluster, f"{name}.{RAW}")
    inputs = count_records(cluster, f"{name}.{RAW}", end)
    answered, scored = Answered(), set()
    prediction = msgspec.json.Decoder(_Named).decode
    for record in read(cluster, f"{name}.{PREDICTIONS}"):
        found = prediction(record.value or b"")
        answered.add(found.source_partition, found.source_offset)
        scored.add(found.business_id)
    predictions = answered.total
    refused: set[tuple[int, int]] = set()
    letter = msgspec.json.Decoder(_Letter).decode
    for record in read(cluster, f"{name}.{DEAD_LETTERS}"):
        told = letter(record.value or b"")
        if told.source_topic == f"{name}.{RAW}":
            answered.add(told.source_partition, told.source_offset)
        else:
            refused.add((told.source_partition, told.source_offset))
    return Audit(
        inputs,
        predictions,
        answered.total - predictions,
        answered.missing(end) - (sum(end.values()) - inputs),
        answered.extra + answered.beyond(end),
        None if use_case.labels is None else _labels(cluster, use_case, scored, refused),
    )


def audit_archive(cluster: Cluster, archive: Archive) -> ArchiveAudit:
    """Compares the archive of a use case with its topics, offset by offset."""
    checks = list(verify(cluster, archive))
    rows: dict[str, int] = {}
    for check in checks:
        rows[check.stage] = rows.get(check.stage, 0) + check.archived
    return ArchiveAudit(
        rows,
        sum(check.missing for check in checks),
        sum(check.twice for check in checks),
        sum(waiting_records(cluster, archive, checks).values()),
    )


def _labels(
    cluster: Cluster, use_case: UseCase, scored: set[int], refused: set[tuple[int, int]]
) -> LabelAudit:
    told = unchanged = waiting = 0
    for record in read(cluster, f"{use_case.name}.{LABELS}"):
        told += 1
        if (record.partition, record.offset) in refused:
            continue
        label: dict[str, Any] = msgspec.json.decode(record.value or b"")
        if label[use_case.business_id] not in scored:
            waiting += 1
        else:
            unchanged += not label[LABEL_FIELD]
    changes = sum(1 for _ in read(cluster, f"{use_case.name}.{LABEL_CHANGES}"))
    return LabelAudit(told, changes, unchanged, len(refused), waiting)
