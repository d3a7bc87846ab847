"""What has gone in and has not come out yet, once nothing more goes in."""

from millrace.demo.offsets import Answered
from millrace.kafka.cluster import Cluster
from millrace.kafka.groups import committed_offsets
from millrace.kafka.readers import Offsets, end_offsets, read
from millrace.kafka.topics import LABELS, RAW
from udfs.use_cases.contract import UseCase


def count_records(cluster: Cluster, topic: str, end: Offsets) -> int:
    """Committed records up to these offsets.

    Offsets hold markers of transactions too, as of `millrace dlq redrive` while a demo runs.
    """
    return sum(1 for _ in read(cluster, topic, end=end))


class OnTheWay:
    """Counts inputs up to the ends that their topics have now.

    Args:
        cluster: where the topics are.
        use_case: whose they are.
        group_id: of the job, which commits an offset once what was read before has come out.
        answered: raw records that came out.
    """

    def __init__(
        self, cluster: Cluster, use_case: UseCase, group_id: str, answered: Answered
    ) -> None:
        self._cluster, self._group_id, self._answered = cluster, group_id, answered
        raw = f"{use_case.name}.{RAW}"
        self._raw = end_offsets(cluster, raw, committed=False)
        self._markers = sum(self._raw.values()) - count_records(cluster, raw, self._raw)
        self._topic = f"{use_case.name}.{LABELS}"
        fed = use_case.labels is not None
        self._labels = end_offsets(cluster, self._topic, committed=False) if fed else {}

    def count(self) -> int:
        """Raw records without an answer; then labels of which none is known to have come out."""
        if (missing := self._answered.missing(self._raw) - self._markers) > 0:
            return missing
        if not self._labels:
            return 0
        done = committed_offsets(self._cluster, self._group_id, self._topic)
        return sum(max(end - done.get(p, 0), 0) for p, end in self._labels.items())
