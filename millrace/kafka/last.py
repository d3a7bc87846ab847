"""The last record of each partition, which need not be at its last offset."""

from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import end_offsets, first_offsets, read

_STEP = 1_000


def last_records(cluster: Cluster, topic: str) -> dict[int, int]:
    """Offset of the newest committed record, by partition; those without one are left out.

    Offsets behind it may belong to markers of transactions and to aborted records.
    """
    first, end = first_offsets(cluster, topic), end_offsets(cluster, topic)
    found: dict[int, int] = {}
    step = _STEP
    while open_ends := {p: e for p, e in end.items() if p not in found and first[p] < e}:
        start = {p: max(first[p], e - step) for p, e in open_ends.items()}
        for record in read(cluster, topic, start=start, end=open_ends):
            found[record.partition] = max(found.get(record.partition, -1), record.offset)
        end = {p: start[p] for p in open_ends if p not in found}
        step *= 10
    return found
