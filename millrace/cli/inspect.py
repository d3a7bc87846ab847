"""`millrace inspect`: the whole story of a record."""

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Annotated, Any

import typer

from millrace.cli.arguments import AsJson
from millrace.cli.tail import as_text, as_value

if TYPE_CHECKING:
    from millrace.dead_letters.ledger import Redrive
    from millrace.inspection.searching import Found
    from millrace.inspection.story import Chapter, Story

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(inspect)


def inspect(
    record_id: Annotated[
        str, typer.Argument(metavar="ID", help="Business id, or the id of a prediction.")
    ],
    *,
    use_case: Annotated[str, typer.Option(help="Installed name, or module:attribute.")] = "fraud",
    as_json: AsJson = False,
) -> None:
    """Tell all that is known of a record, from how it came to what became of it.

    That is the record itself, its features, its prediction or dead letter, its redrives and its
    label. It looks through the archive, when there is one, and through what is newer in the
    topics. The exit status is 1 when there is no such record.

    Example: millrace inspect 179546233095262

    Example: millrace inspect fraud.raw/2/396/answer --json
    """
    from millrace.archive import Archive  # noqa: PLC0415
    from millrace.inspection.searching import Search  # noqa: PLC0415
    from millrace.inspection.story import Teller  # noqa: PLC0415
    from millrace.kafka.cluster import cluster  # noqa: PLC0415
    from millrace.settings import load  # noqa: PLC0415
    from udfs.use_cases.find import find_use_case  # noqa: PLC0415

    settings, case = load(), find_use_case(use_case)
    archive = Archive(settings.archive_path, case.name)
    kafka = cluster(settings.kafka)
    search = Search(kafka, case.name, archive if archive.stages() else None)
    story = Teller(case, kafka, search).story(record_id)
    if as_json:
        typer.echo(json.dumps(_plain(story)))
    elif story.chapters or story.labels:
        _print(story)
    else:
        where = "topics and archive" if archive.stages() else "topics"
        typer.echo(f"{where} of {case.name} know nothing of {record_id}", err=True)
    if not (story.chapters or story.labels):
        raise typer.Exit(1)


def _plain(story: "Story") -> dict[str, Any]:
    return {
        "records": [
            {
                "partition": chapter.place[0],
                "offset": chapter.place[1],
                "raw": _object(chapter.raw) if chapter.raw else None,
                "outcomes": [_object(found) for found in chapter.outcomes],
                "redrives": [_redrive(redrive) for redrive in chapter.redrives],
            }
            for chapter in story.chapters
        ],
        "labels": [_object(found) for found in story.labels],
    }


def _object(found: "Found") -> dict[str, Any]:
    record = found.record
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        "found_in": found.where,
        "key": as_text(record.key),
        "value": as_value(record.value),
        "headers": {name: as_text(value) for name, value in record.headers},
    }


def _redrive(redrive: "Redrive") -> dict[str, Any]:
    return {name: getattr(redrive, name) for name in redrive.__struct_fields__}


def _print(story: "Story") -> None:
    for chapter in story.chapters:
        _print_chapter(chapter)
    for label in story.labels:
        _print_found(label, "label")


def _print_chapter(chapter: "Chapter") -> None:
    if chapter.raw:
        _print_found(chapter.raw, "record")
    else:
        typer.echo(f"record {chapter.place[0]}/{chapter.place[1]}: deleted, and not archived")
    for found in chapter.outcomes:
        _print_found(found, found.record.topic.rpartition(".")[2].rstrip("s").replace("-", " "))
    for redrive in chapter.redrives:
        typer.echo(
            f"redrive {redrive.attempt}: {redrive.dead_letter} written back to {redrive.target} "
            f"at {_time(redrive.redriven_time_ms)}"
        )


def _print_found(found: "Found", what: str) -> None:
    record = found.record
    place = f"{record.topic}/{record.partition}/{record.offset}"
    typer.echo(f"{what} {place} at {_time(record.timestamp_ms)} ({found.where})")
    value = as_value(record.value)
    if isinstance(value, dict):
        for name, content in value.items():
            typer.echo(
                f"    {name:20} {content if isinstance(content, str) else json.dumps(content)}"
            )
    else:
        typer.echo(f"    {value}")


def _time(time_ms: int) -> str:
    """UTC to the millisecond; milliseconds beyond the calendar stay as they are.

    >>> _time(1_753_963_200_123)
    '2025-07-31 12:00:00.123 UTC'
    """
    try:
        found = _EPOCH + timedelta(milliseconds=time_ms)
    except OverflowError:
        return f"{time_ms} ms"
    return found.strftime("%Y-%m-%d %H:%M:%S.") + f"{time_ms % 1000:03} UTC"
