"""`millrace ingest`: files, directories that grow, and HTTP into the raw topic of a use case."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from millrace.cli.arguments import AsJson, UseCaseName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from millrace.ingest.listing import Format, Listing
    from millrace.ingest.progress import Ingested
    from millrace.ingest.transactions import Source
    from udfs.use_cases.contract import UseCase

_INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(ingest)


def ingest(
    use_case: UseCaseName,
    paths: Annotated[list[Path] | None, typer.Argument(help="Files and directories.")] = None,
    *,
    http: Annotated[
        str | None,
        typer.Option(help="Take records over HTTP instead, at PORT or HOST:PORT."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is appended and added.")
    ] = False,
    kind: Annotated[
        Literal["csv", "jsonl"] | None,
        typer.Option("--format", help="Default: .csv, .jsonl and .ndjson tell it."),
    ] = None,
    pattern: Annotated[
        str, typer.Option(help="Names that count in a directory, such as 'app.log*'.")
    ] = "*",
    delimiter: Annotated[str, typer.Option(help="Between the cells of CSV.")] = ",",
    source: Annotated[
        str | None,
        typer.Option(
            help="Under which name positions are kept, one process at a time. Default: files, http."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the records of CSV files, JSON lines and directories to <use case>.raw, each once.

    How far each file came is committed in the transaction of its records, so the same command
    goes on where it was, also after a crash: nothing is lost or written twice. Renamed files are
    recognised; one that shrank or was replaced, and a copy of one, are refused.

    CSV has a header with the fields of the record. What does not fit is written all the same and
    becomes a dead letter with a reason. A last line without a newline waits until it is whole;
    without --follow it counts at the end of a file that was named itself.

    With --http, POST JSON lines to /v1/records with a header Idempotency-Key. The answer is 200
    once they are committed; the same key again is answered alike and not written, for a day.

    Example: millrace ingest fraud history.csv logs/ --follow

    Example: millrace ingest fraud --http 8088
    """
    from millrace.cli.ingest_http import address, serve  # noqa: PLC0415

    _require_one(paths, http, files_only=follow or kind is not None)
    if http is not None:
        where = address(http)
        serve(*_opened(use_case, source or "http"), where, as_json)
        return
    _ingest_files(
        use_case,
        _listing(paths or [], kind, pattern, delimiter),
        delimiter,
        source or "files",
        follow=follow,
        as_json=as_json,
    )


def _require_one(paths: list[Path] | None, http: str | None, *, files_only: bool) -> None:
    from udfs.errors import ConfigurationError  # noqa: PLC0415

    if bool(paths) == (http is not None):
        raise ConfigurationError("name files or directories, or --http: one of the two")
    if http is not None and files_only:
        raise ConfigurationError("--follow and --format are for files, not for --http")


def _ingest_files(
    use_case: str, listing: Listing, delimiter: str, source: str, *, follow: bool, as_json: bool
) -> None:
    from millrace.ingest.files import FileIngest, Options  # noqa: PLC0415
    from millrace.ingest.stopping import stop_on_signals  # noqa: PLC0415
    from millrace.ingest.transactions import transactions  # noqa: PLC0415

    found, where = _opened(use_case, source)
    # A missing path is told before Kafka is asked for anything.
    listing()
    with (
        stop_on_signals() as stop,
        transactions(where) as to,
        _progress(where.topic, follow) as told,
    ):
        done = FileIngest(
            found,
            listing,
            to,
            Options(delimiter, follow),
            stop=stop,
            on_progress=told,
            on_event=lambda text: typer.echo(text, err=True),
        ).run()
    _tell(done, listing, where.topic, as_json)
    if done.interrupted and not follow:
        raise typer.Exit(_INTERRUPTED)


def _listing(paths: list[Path], kind: Format | None, pattern: str, delimiter: str) -> Listing:
    from millrace.ingest.listing import Listing  # noqa: PLC0415
    from udfs.errors import ConfigurationError  # noqa: PLC0415

    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise ConfigurationError(f"--delimiter is {delimiter!r}; it is one character")
    return Listing(tuple(paths), kind, pattern)


def _opened(use_case: str, source: str) -> tuple[UseCase, Source]:
    from millrace.ingest.transactions import Source  # noqa: PLC0415
    from millrace.kafka.cluster import cluster  # noqa: PLC0415
    from millrace.settings import load  # noqa: PLC0415
    from udfs.errors import ConfigurationError  # noqa: PLC0415
    from udfs.use_cases.find import find_use_case  # noqa: PLC0415

    if not source:
        raise ConfigurationError("--source is empty; it is a name such as files")
    settings, found = load(), find_use_case(use_case)
    deployment = f"{settings.score.transactional_id_prefix}-{found.name}"
    transactional_id = f"{deployment}/ingest/{source}"
    return found, Source(cluster(settings.kafka), found.name, source, transactional_id)


@contextmanager
def _progress(topic: str, follow: bool) -> Iterator[Callable[[Ingested], None]]:
    """Shows how far it came, on standard error where that is a terminal."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    bar = () if follow else (BarColumn(), TextColumn("{task.percentage:3.0f} %"))
    counts = TextColumn("{task.description}"), *bar, TextColumn("{task.fields[records]:,}")
    with Progress(*counts, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as p:
        task = p.add_task(f"records to {topic}", total=None, records=0)
        yield lambda done: p.update(
            task,
            completed=done.bytes,
            total=None if follow else max(done.total_bytes, 1),
            records=done.records,
        )


def _tell(done: Ingested, listing: Listing, topic: str, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_plain(done, listing, topic)))
        return
    rate = done.records / max(done.seconds, 1e-9)
    typer.echo(f"{done.records:,} records in {topic} ({rate:,.0f} a second)")
    if done.unusable:
        typer.echo(f"{done.unusable:,} of them will be dead letters; first {done.problem}")
    for count, what in (
        (done.blank, "blank lines left out"),
        (done.renamed, "files went on under another name"),
        (done.gone, "files that were ingested before are gone"),
        (len(done.unfinished), "files end in a line without a newline, which waits"),
        (len(listing.skipped), "files left out: their names do not tell a format (--format)"),
    ):
        if count:
            typer.echo(f"{count:,} {what}")


def _plain(done: Ingested, listing: Listing, topic: str) -> dict[str, Any]:
    return {
        "topic": topic,
        "records": done.records,
        "unusable": done.unusable,
        "problem": done.problem or None,
        "blank": done.blank,
        "files": len(done.files),
        "bytes": done.bytes,
        "renamed": done.renamed,
        "gone": done.gone,
        "unfinished": len(done.unfinished),
        "skipped": len(listing.skipped),
        "seconds": round(done.seconds, 3),
        "interrupted": done.interrupted,
    }
