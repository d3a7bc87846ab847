"""What an archive holds, date by date and stage by stage."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from millrace.archive.layout import Archive
from millrace.archive.listing import ArchiveFile, Span, files


@dataclass(frozen=True)
class Holding:
    """The files of a stage, of one date or of all of them.

    Attributes:
        stage: the stage.
        date: the date, None for all.
        files: how many.
        rows: records in them.
        size: bytes on disk.
        spans: offsets by partition.
    """

    stage: str
    date: date | None
    files: int
    rows: int
    size: int
    spans: Mapping[int, Span]


def holdings(
    archive: Archive, stage: str, *, since: date | None = None, until: date | None = None
) -> Iterator[Holding]:
    """What a stage holds, by date, ascending; dates whose folder is empty are left out."""
    for day in archive.dates(stage, since=since, until=until):
        found = files(archive, stage, day)
        if found:
            yield _summed(stage, day, found)


def total(stage: str, parts: Iterable[Holding]) -> Holding:
    """All of a stage's dates together."""
    kept = list(parts)
    spans: dict[int, Span] = {}
    for part in kept:
        _join(spans, part.spans)
    return Holding(
        stage,
        None,
        sum(part.files for part in kept),
        sum(part.rows for part in kept),
        sum(part.size for part in kept),
        dict(sorted(spans.items())),
    )


def _summed(stage: str, day: date, found: list[ArchiveFile]) -> Holding:
    spans: dict[int, Span] = {}
    for file in found:
        _join(spans, file.spans)
    rows, size = sum(file.rows for file in found), sum(file.size for file in found)
    return Holding(stage, day, len(found), rows, size, dict(sorted(spans.items())))


def _join(into: dict[int, Span], spans: Mapping[int, Span]) -> None:
    for partition, span in spans.items():
        into[partition] = span.joined(into.get(partition))
