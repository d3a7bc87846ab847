"""`millrace audit`: what came in, compared with what came out."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from millrace.cli.arguments import AsJson, UseCaseName, time_ms

if TYPE_CHECKING:
    from millrace.audit.counting import Audit, OnProgress


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(audit)


def audit(
    use_case: UseCaseName = "fraud",
    *,
    begin: Annotated[
        str | None,
        typer.Option("--from", help="Offsets as in 0:500,1:700, or a UTC time. Default: oldest."),
    ] = None,
    finish: Annotated[
        str | None,
        typer.Option("--to", help="Likewise, not included. Default: newest."),
    ] = None,
    archive: Annotated[
        bool, typer.Option("--archive", help="Compare what is archived instead of the topics.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare a range of raw records with predictions and dead letters, committed ones only.

    Every record has to have exactly one outcome; missing and double ones are listed, and the
    exit status is 1 when there are any, or when the range holds no record at all. Times are those
    of the raw records in Kafka. While the job is at work its newest records are still under way,
    which is told.

    Example: millrace audit fraud --from 2025-07-01 --to 2025-07-02
    """
    from millrace.archive.stages import opened  # noqa: PLC0415
    from millrace.audit import counting, ranges  # noqa: PLC0415
    from millrace.settings import load  # noqa: PLC0415
    from udfs.use_cases.find import find_use_case  # noqa: PLC0415

    settings, name = load(), find_use_case(use_case).name
    stages = opened(settings, name, archived=archive)
    within = ranges.source_range(stages, begin, finish, time_ms)
    with _progress() as tell:
        found = counting.audit(stages, name, within, tell)
    if as_json:
        typer.echo(json.dumps({**asdict(found), "closes": found.closes}))
    else:
        _print(found)
    if not found.closes or not found.inputs:
        raise typer.Exit(1)


@contextmanager
def _progress() -> "Iterator[OnProgress]":
    from rich.console import Console  # noqa: PLC0415

    with Console(stderr=True).status("reading") as status:
        yield lambda stage, count: status.update(f"{stage}: {count:,} records")


def _print(found: "Audit") -> None:
    for partition, first in found.start.items():
        end = found.end[partition]
        offsets = f"offsets {first:,} to {end - 1:,}" if end > first else "nothing"
        typer.echo(f"partition {partition}: {offsets}")
    typer.echo(f"{found.inputs:12,} raw records")
    for stage, count in found.outcomes.items():
        typer.echo(f"{count:12,} {stage}")
    newer = f", {found.under_way:,} of them newer than any answer" if found.under_way else ""
    typer.echo(f"{found.missing:12,} missing{newer}{_ranges(found.missing_ranges)}")
    typer.echo(f"{found.double:12,} double{_ranges(found.double_ranges)}")
    if found.unexplained:
        typer.echo(f"{found.unexplained:12,} outcomes of offsets without a record")
    typer.echo(_verdict(found))


def _verdict(found: "Audit") -> str:
    if not found.closes:
        return "this does not close"
    if not found.inputs:
        return "no raw record is in this range: nothing was compared"
    return "every record has exactly one outcome"


def _ranges(ranges: Mapping[int, list[tuple[int, int]]]) -> str:
    """The first ranges, each as partition:offset.

    >>> _ranges({0: [(3, 3), (7, 9)]})
    ': 0:3, 0:7-9'
    """
    told = [
        f"{partition}:{first}" + (f"-{last}" if last > first else "")
        for partition, found in ranges.items()
        for first, last in found
    ]
    return f": {', '.join(told)}" if told else ""
