"""Whole lines of a file, with the byte offsets at which they end."""

from collections.abc import Iterator
from typing import BinaryIO

from millrace.ingest.entries import MAX_RECORD_BYTES
from udfs.errors import DataError


class Lines(Iterator[bytes]):
    r"""Lines of an open file from where it stands, each with its newline.

    A last line without one may still grow, so it is left for later, unless it counts.

    >>> from io import BytesIO
    >>> lines = Lines(BytesIO(b"a\nb\nc"), "log")
    >>> list(lines), lines.end, lines.ran_out
    ([b'a\n', b'b\n'], 4, True)

    Attributes:
        end: offset after the last line that was given.
        start: offset of the record that the next lines belong to, see `begin`.
        record: the lines of that record so far.
        last_counts: whether a last line without newline is one.
        ran_out: the end of the file was met.
    """

    def __init__(
        self,
        file: BinaryIO,
        name: str,
        *,
        last_counts: bool = False,
        max_bytes: int = MAX_RECORD_BYTES,
    ) -> None:
        self._file, self._readline = file, file.readline
        self._name, self._max_bytes = name, max_bytes
        self.start = self.end = file.tell()
        self.record: list[bytes] = []
        self.last_counts = last_counts
        self.ran_out = False

    def go_to(self, offset: int) -> None:
        """Leaves out what stands before an offset."""
        self._file.seek(offset)
        self.end = offset

    def begin(self) -> None:
        """What comes is another record."""
        self.start = self.end
        self.record.clear()

    def __next__(self) -> bytes:
        """The next line.

        Raises:
            DataError: the record is longer than is allowed.
        """
        room = self._max_bytes - (self.end - self.start)
        line = self._readline(room + 2)
        if len(line.rstrip(b"\r\n")) > room:
            raise self.too_large()
        if not line.endswith(b"\n") and not (line and self.last_counts):
            self.ran_out = True
            raise StopIteration
        self.end += len(line)
        self.record.append(line)
        return line

    def too_large(self) -> DataError:
        """The error of a record that no broker would take."""
        return DataError(
            f"{self._name}: the record at byte {self.start:,} is larger than "
            f"{self._max_bytes:,} bytes; what stands before it is ingested, so mend or take out "
            "that record and give the file another name"
        )
