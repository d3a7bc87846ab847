"""`millrace archive ls | compact | verify`: what the job `archive` wrote."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from millrace.cli.arguments import AsJson, UseCaseName, dates_between

if TYPE_CHECKING:
    from millrace.archive import Archive
    from millrace.archive.compaction import Compacted
    from millrace.archive.overview import Holding
    from millrace.archive.verification import PartitionCheck
    from millrace.settings import Settings

_Path = Annotated[
    str | None, typer.Option("--path", help="Folder of the archives; default archive.path.")
]
_Stage = Annotated[list[str] | None, typer.Option("--stage", help="Only this; may be repeated.")]
_Since = Annotated[str | None, typer.Option("--since", help="First date, such as 2025-07-01.")]
_Until = Annotated[str | None, typer.Option("--until", help="Date after the last.")]
_MB = 1_000_000


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    archive = typer.Typer(
        no_args_is_help=True, help="The archive of a use case: topics as Parquet files by date."
    )
    archive.command()(ls)
    archive.command()(compact)
    archive.command()(verify)
    app.add_typer(archive, name="archive")


def ls(
    use_case: UseCaseName = "fraud",
    *,
    stage: _Stage = None,
    since: _Since = None,
    until: _Until = None,
    path: _Path = None,
    as_json: AsJson = False,
) -> None:
    """Show dates, files, rows, sizes and offset ranges of each stage.

    Example: millrace archive ls fraud --stage raw --since 2025-07-01
    """
    from millrace.archive.overview import holdings, total  # noqa: PLC0415

    first, last = dates_between(since, until)
    _, archive, stages = _opened(use_case, path, stage)
    found = {name: list(holdings(archive, name, since=first, until=last)) for name in stages}
    if as_json:
        typer.echo(json.dumps([_plain(part) for parts in found.values() for part in parts]))
        return
    typer.echo(f"{'stage':13} {'date':10} {'files':>7} {'rows':>12} {'MB':>10}  offsets")
    for name, parts in found.items():
        for part in [*parts, total(name, parts)]:
            typer.echo(_line(part))


def compact(
    use_case: UseCaseName = "fraud",
    *,
    stage: _Stage = None,
    since: _Since = None,
    until: _Until = None,
    size: Annotated[int, typer.Option(min=1, help="Size of merged files in MB, about.")] = 128,
    path: _Path = None,
    as_json: AsJson = False,
) -> None:
    """Merge small files, date by date. The archive may be written and read meanwhile.

    A reader sees each row exactly once at any time, and a compaction that is broken off does no
    harm: a later one goes on.

    Example: millrace archive compact fraud --until 2025-08-01
    """
    from millrace.archive import compaction  # noqa: PLC0415

    first, last = dates_between(since, until)
    _, archive, stages = _opened(use_case, path, stage)
    everything: list[Compacted] = []
    for name in stages:
        for done in compaction.compact(
            archive, name, since=first, until=last, target_bytes=size * _MB
        ):
            everything.append(done)
            typer.echo(
                f"{done.stage} {done.date}: {done.before} files -> {done.after}"
                + (f"; {done.waiting} wait for readers" if done.waiting else ""),
                err=True,
            )
    before, after = sum(d.before for d in everything), sum(d.after for d in everything)
    if as_json:
        typer.echo(json.dumps([_plain(done) for done in everything]))
    else:
        rows = sum(done.rows for done in everything)
        typer.echo(
            f"{before} files -> {after}, {rows:,} rows" if everything else "nothing to compact"
        )


def verify(
    use_case: UseCaseName = "fraud",
    *,
    stage: _Stage = None,
    complete: Annotated[
        bool, typer.Option("--complete", help="Records that are not archived yet count as missing.")
    ] = False,
    path: _Path = None,
    as_json: AsJson = False,
) -> None:
    """Check that every offset is archived exactly once; the exit status is 1 when it is not.

    Gaps in the offsets are looked up in the topic: those of topics that a transaction writes
    (predictions, dead letters, features) hold its markers, which are no records. The archive
    remembers those that were seen. Offsets that the topic has deleted before can no longer be
    looked up; they are counted as unknown.

    Example: millrace archive verify fraud --complete
    """
    from millrace.archive import STAGES, verification  # noqa: PLC0415
    from millrace.kafka.cluster import cluster  # noqa: PLC0415

    settings, archive, _ = _opened(use_case, path, stage)
    # Also stages without a file: their records would be missing.
    stages = [name for name in STAGES if not stage or name in stage]
    checks: list[PartitionCheck] = []
    checked = verification.verify(cluster(settings.kafka), archive, tuple(stages), keep=True)
    if not as_json:
        typer.echo(_HEADINGS)
    for check in checked:
        checks.append(check)
        if not as_json:
            typer.echo(_check_line(check))
    waiting = sum(verification.waiting_records(cluster(settings.kafka), archive, checks).values())
    holds = all(check.holds for check in checks) and not (complete and waiting)
    if as_json:
        typer.echo(
            json.dumps(
                {"holds": holds, "waiting": waiting, "partitions": [asdict(c) for c in checks]}
            )
        )
    else:
        typer.echo(_verdict(checks, waiting))
    if not holds:
        raise typer.Exit(1)


def _opened(
    use_case: str, path: str | None, stages: Iterable[str] | None
) -> "tuple[Settings, Archive, list[str]]":
    from pathlib import Path  # noqa: PLC0415

    from millrace.archive import STAGES, open_archive  # noqa: PLC0415
    from millrace.settings import load  # noqa: PLC0415
    from udfs.errors import ConfigurationError  # noqa: PLC0415
    from udfs.use_cases.find import find_use_case  # noqa: PLC0415

    for stage in stages or ():
        if stage not in STAGES:
            raise ConfigurationError(f"--stage is {stage!r}; it is one of {', '.join(STAGES)}")
    settings = load()
    root = Path(path).resolve() if path else settings.archive_path
    archive = open_archive(root, find_use_case(use_case).name)
    return settings, archive, [s for s in archive.stages() if not stages or s in stages]


def _plain(value: "Holding | Compacted") -> dict[str, Any]:
    return {**asdict(value), "date": str(value.date)}


def _line(part: "Holding") -> str:
    day = part.date.isoformat() if part.date else "all"
    spans = ", ".join(f"{p}: {s.first:,}-{s.last:,}" for p, s in part.spans.items())
    size = part.size / _MB
    return f"{part.stage:13} {day:10} {part.files:7,} {part.rows:12,} {size:10,.1f}  {spans}"


_COLUMNS = ("archived", "missing", "twice", "markers", "unknown", "behind")
_HEADINGS = f"{'stage':13} {'part':>4} " + " ".join(f"{name:>11}" for name in _COLUMNS)


def _check_line(check: "PartitionCheck") -> str:
    counts = " ".join(f"{getattr(check, name):11,}" for name in _COLUMNS)
    line = f"{check.stage:13} {check.partition:4} {counts}"
    for what, ranges in (("missing", check.missing_ranges), ("twice", check.twice_ranges)):
        if ranges:
            line += f"\n{'':18} {what}: " + ", ".join(
                str(first) if first == last else f"{first}-{last}" for first, last in ranges
            )
    if check.foreign:
        line += f"\n{'':18} {check.foreign:,} offsets that the topic never had"
    return line


def _verdict(checks: "list[PartitionCheck]", waiting: int) -> str:
    archived = sum(check.archived for check in checks)
    wrong = {
        "missing": sum(check.missing for check in checks),
        "archived twice": sum(check.twice for check in checks),
        "of another topic": sum(check.foreign for check in checks),
    }
    told = [f"{count:,} {what}" for what, count in wrong.items() if count]
    later = f"; {waiting:,} newer ones are not archived yet" if waiting else ""
    if told:
        return f"{archived:,} offsets, {', '.join(told)}{later}"
    return f"{archived:,} offsets, each archived exactly once{later}"
