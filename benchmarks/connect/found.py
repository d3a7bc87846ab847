"""What Kafka Connect wrote to the raw topic, against the table that it read."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
from msgspec.structs import astuple

from millrace.kafka.readers import Record
from udfs.use_cases.fraud import Transaction


class _Exact(Transaction, frozen=True, gc=False, forbid_unknown_fields=True):
    """The record and no other columns."""


@dataclass(frozen=True)
class Found:
    """What is in the raw topic, against the table.

    Attributes:
        rows: in the table.
        kills: of the Connect worker while rows were inserted.
        records: committed ones in the topic.
        missing: rows without a record.
        twice: rows with more than one.
        other: records that are no row of the table, field by field.
        misplaced: records with another key than the row's, or in another partition than ours.
    """

    rows: int
    kills: int
    records: int
    missing: int
    twice: int
    other: int
    misplaced: int

    def right(self) -> bool:
        """Whether every row is there exactly once and as it should be."""
        return self.records == self.rows and not (
            self.missing or self.twice or self.other or self.misplaced
        )


def compare(
    rows: Sequence[Transaction], records: Sequence[Record], places: Mapping[bytes, int], kills: int
) -> Found:
    """Holds the records of the raw topic against the rows of the table.

    Args:
        rows: of the table.
        records: committed ones of the topic.
        places: the partition of each key.
        kills: of the worker.
    """
    wanted = {row.transaction_id: row for row in rows}
    seen: Counter[int] = Counter()
    other = misplaced = 0
    for record in records:
        try:
            row = msgspec.json.decode(record.value or b"", type=_Exact)
        except msgspec.DecodeError:
            other += 1
            continue
        seen[row.transaction_id] += 1
        original = wanted.get(row.transaction_id)
        other += original is None or astuple(row) != astuple(original)
        key = str(row.customer_id).encode()
        misplaced += (record.key, record.partition) != (key, places.get(key))
    return Found(
        rows=len(rows),
        kills=kills,
        records=len(records),
        missing=len(wanted.keys() - seen.keys()),
        twice=sum(times > 1 for times in seen.values()),
        other=other,
        misplaced=misplaced,
    )
