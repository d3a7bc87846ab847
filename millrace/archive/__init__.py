"""The archive: topics of a use case as Parquet files, by date. Needs pyarrow, not Flink."""

from millrace.archive.layout import PLAIN_SCHEMA, SCHEMA, STAGES, Archive, open_archive
from millrace.archive.listing import ArchiveFile, Span, files
from millrace.archive.reading import read

__all__ = [
    "PLAIN_SCHEMA",
    "SCHEMA",
    "STAGES",
    "Archive",
    "ArchiveFile",
    "Span",
    "files",
    "open_archive",
    "read",
]
