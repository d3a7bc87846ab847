"""Where things are in an archive, and the one schema of its files.

    <root>/<use case>/<stage>/date=YYYY-MM-DD/<file>.parquet

The date is that of the record's Kafka timestamp in UTC. A file is complete as soon as it can be
seen under a name that begins with neither `.` nor `_`, and never changes afterwards.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa

from millrace.kafka.topics import (
    DEAD_LETTERS,
    DUPLICATES,
    FEATURES,
    LABEL_CHANGES,
    LABELS,
    PREDICTIONS,
    RAW,
)
from udfs.errors import ConfigurationError

STAGES = (RAW, LABELS, FEATURES, LABEL_CHANGES, PREDICTIONS, DEAD_LETTERS, DUPLICATES)
"""The topics of a use case that are archived; a topic is `<use case>.<stage>`."""

PLAIN_SCHEMA = pa.schema(
    [
        pa.field("partition", pa.int32(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("timestamp_ms", pa.int64(), nullable=False),
        pa.field("key", pa.binary()),
        pa.field("value", pa.binary()),
    ]
)
"""What a job reads of a record. `timestamp_ms` is Kafka's, UTC; null stands for Kafka's null."""

HEADERS = "headers"
_HEADER = pa.struct([pa.field("key", pa.string(), nullable=False), pa.field("value", pa.binary())])
SCHEMA = PLAIN_SCHEMA.append(
    pa.field(HEADERS, pa.list_(pa.field("element", _HEADER, nullable=False)))
)
"""Columns of a file; null in `headers` stands for none. Older files lack that last column."""

_PREFIX = "date="
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Archive:
    """The archive of one use case.

    Attributes:
        root: folder of all archives.
        use_case: the use case's name.
    """

    root: Path
    use_case: str

    @property
    def path(self) -> Path:
        """Folder of this use case."""
        return self.root / self.use_case

    def stages(self) -> list[str]:
        """The stages that have files or had some, in the order of the data."""
        return [stage for stage in STAGES if (self.path / stage).is_dir()]

    def dates(
        self, stage: str, *, since: date | None = None, until: date | None = None
    ) -> list[date]:
        """The dates of a stage, ascending, from `since` on and before `until`."""
        found = sorted(
            date.fromisoformat(folder.name.removeprefix(_PREFIX))
            for folder in (self.path / stage).glob(f"{_PREFIX}*-*-*")
        )
        return [day for day in found if (since or day) <= day < (until or date.max)]

    def folder(self, stage: str, day: date) -> Path:
        """Where the files of a stage and date are."""
        return self.path / stage / f"{_PREFIX}{day.isoformat()}"


def open_archive(root: Path, use_case: str) -> Archive:
    """The archive of a use case that is there already.

    Raises:
        ConfigurationError: there is none.
    """
    archive = Archive(root, use_case)
    if not archive.stages():
        raise ConfigurationError(
            f"there is no archive of {use_case} in {root}; "
            f"`millrace run archive --use-case {use_case}` writes one, archive.path says where"
        )
    return archive


def date_of(timestamp_ms: int) -> date:
    """The date that a Kafka timestamp belongs to; those beyond the calendar go to its ends.

    >>> date_of(1_753_999_999_999), date_of(-1), date_of(2**62)
    (datetime.date(2025, 7, 31), datetime.date(1969, 12, 31), datetime.date(9999, 12, 31))
    """
    try:
        return (_EPOCH + timedelta(milliseconds=timestamp_ms)).date()
    except OverflowError:
        return date.max if timestamp_ms > 0 else date.min
