"""A file while it is read: its entries, and the position after those that were given."""

import os
from collections.abc import Iterator
from typing import BinaryIO

from millrace.ingest.entries import MAX_RECORD_BYTES, Entry
from millrace.ingest.formats import entries
from millrace.ingest.lines import Lines
from millrace.ingest.listing import Found
from millrace.ingest.positions import Position, content
from udfs.errors import DataError
from udfs.use_cases.contract import UseCase

_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"BZh")


class Reading:
    """A file from its position on.

    Args:
        use_case: whose records they are.
        found: the file.
        file: it, open.
        known: how far it was ingested before; None when it was not.
        delimiter: between cells of CSV.
        last_counts: whether a last line without a newline is a record.

    Attributes:
        end: offset after the last entry that was given.
        records: of the file so far, those that were given before included.
        blank: lines in which nothing stands.
    """

    def __init__(
        self,
        use_case: UseCase,
        found: Found,
        file: BinaryIO,
        known: Position | None,
        *,
        delimiter: str,
        last_counts: bool,
    ) -> None:
        self.path, self._file = str(found.path), file
        self.end = 0 if known is None else known.offset
        self.blank = 0
        self.records = 0 if known is None else known.records
        self._time = None if known is None else known.event_time_ms
        self._lines = Lines(file, self.path, last_counts=last_counts)
        self._entries = entries(use_case, found.format, self._lines, self.path, delimiter, self.end)

    def __iter__(self) -> Iterator[Entry]:
        """Entries; one without an event time has the last one of the file.

        Raises:
            DataError: the file is compressed, its header does not fit, or a record is too long.
        """
        if os.pread(self._file.fileno(), 4, 0).startswith(_COMPRESSED):
            raise DataError(f"{self.path} is compressed; unpack it first")
        for entry, end in self._entries:
            if entry is None:
                self.end, self.blank = end, self.blank + 1
                continue
            if len(entry.value) > MAX_RECORD_BYTES:
                raise self._lines.too_large()
            self.end, self.records = end, self.records + 1
            if entry.event_time_ms is None:
                yield entry._replace(event_time_ms=self._time)
            else:
                self._time = entry.event_time_ms
                yield entry

    def position(self) -> Position:
        """Where the file goes on after the entries that were given."""
        known = content(self._file.fileno(), self.end)
        return Position(self.path, known, self.records, self._time)

    def rest(self) -> int:
        """Bytes that no entry was made of yet: a last line without its newline."""
        return os.fstat(self._file.fileno()).st_size - self.end
