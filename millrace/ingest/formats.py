"""Entries of a file, by its format."""

from collections.abc import Iterator
from typing import TypeAlias

from millrace.ingest.csv_rows import csv_entries
from millrace.ingest.entries import Entry, JsonEntries
from millrace.ingest.lines import Lines
from millrace.ingest.listing import Format
from udfs.use_cases.contract import UseCase

Entries: TypeAlias = Iterator[tuple[Entry | None, int]]
"""Entries, None for a blank line, each with the offset after it."""


def entries(  # noqa: PLR0917
    use_case: UseCase, kind: Format, lines: Lines, name: str, delimiter: str, offset: int
) -> Entries:
    """The entries of a file from an offset on.

    Args:
        use_case: whose records they are.
        kind: CSV with a header, or JSON lines.
        lines: of the file, from its beginning.
        name: of the file, for messages.
        delimiter: between cells of CSV.
        offset: where an earlier ingest came to; 0 for the beginning.

    Raises:
        DataError: the header does not fit, or a record is too long.
    """
    if kind == "csv":
        return csv_entries(use_case, lines, name, delimiter=delimiter, offset=offset)
    lines.go_to(offset)
    return json_entries(use_case, lines)


def json_entries(use_case: UseCase, lines: Lines) -> Entries:
    """The entries of JSON lines; their bytes stay as they are, without the newline."""
    to_entry = JsonEntries(use_case)
    lines.begin()
    for line in lines:
        value = line.removesuffix(b"\n")
        yield (to_entry(value) if value.strip() else None), lines.end
        lines.begin()
