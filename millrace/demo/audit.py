"""The count at the end: every input came out as exactly one prediction or one dead letter."""

from dataclasses import dataclass

import msgspec

from millrace.demo.offsets import Answered
from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import end_offsets, read
from millrace.kafka.topics import DEAD_LETTERS, PREDICTIONS, RAW


class _Source(msgspec.Struct, frozen=True):
    source_partition: int
    source_offset: int


@dataclass(frozen=True)
class Audit:
    """What is in the topics, read anew from their beginning, committed records only.

    Attributes:
        inputs: records in the raw topic.
        predictions: in their topic.
        dead_letters: in theirs.
        missing: source offsets without an answer.
        extra: answers beyond one a source offset.
    """

    inputs: int
    predictions: int
    dead_letters: int
    missing: int
    extra: int

    @property
    def closes(self) -> bool:
        """True when nothing is missing and nothing came twice."""
        out = self.predictions + self.dead_letters
        return self.missing == 0 and self.extra == 0 and self.inputs == out


def audit(cluster: Cluster, use_case_name: str) -> Audit:
    """Compares the topics of a use case, by source partition and offset."""
    end = end_offsets(cluster, f"{use_case_name}.{RAW}")
    answered, decoder = Answered(), msgspec.json.Decoder(_Source)
    counts = []
    for stage in (PREDICTIONS, DEAD_LETTERS):
        before = answered.total
        for record in read(cluster, f"{use_case_name}.{stage}"):
            source = decoder.decode(record.value or b"")
            answered.add(source.source_partition, source.source_offset)
        counts.append(answered.total - before)
    return Audit(
        sum(end.values()),
        counts[0],
        counts[1],
        answered.missing(end),
        answered.extra + answered.beyond(end),
    )
