"""`millrace dlq ls | show | redrive`: dead letters."""

import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from millrace.cli.arguments import AsJson, UseCaseName, times_between
from millrace.cli.tail import as_text, as_value

if TYPE_CHECKING:
    from millrace.archive.stages import Stages
    from millrace.dead_letters.letters import Filter, Letter
    from millrace.dead_letters.redriving import Redriven
    from millrace.settings import Settings

_Reason = Annotated[str | None, typer.Option("--reason", help="Only this reason code.")]
_Stage = Annotated[str | None, typer.Option("--stage", help="Only refused by this stage.")]
_Since = Annotated[str | None, typer.Option("--since", help="Written at or after this UTC time.")]
_Until = Annotated[str | None, typer.Option("--until", help="Written before this UTC time.")]
_Partition = Annotated[
    int | None, typer.Option("--partition", min=0, help="Only of this source partition.")
]
_Archive = Annotated[
    bool, typer.Option("--archive", help="Take the letters from the archive, not the topic.")
]
_INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    dlq = typer.Typer(no_args_is_help=True, help="Dead letters: records that could not be used.")
    dlq.command()(ls)
    dlq.command()(show)
    dlq.command()(redrive)
    app.add_typer(dlq, name="dlq")


def ls(
    use_case: UseCaseName = "fraud",
    *,
    reason: _Reason = None,
    stage: _Stage = None,
    since: _Since = None,
    until: _Until = None,
    partition: _Partition = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Lines at most.")] = 20,
    archive: _Archive = False,
    as_json: AsJson = False,
) -> None:
    """List dead letters, and count all that are meant by stage and reason.

    Example: millrace dlq ls fraud --reason schema --since 2025-07-31T12:00
    """
    from millrace.dead_letters.letters import letters  # noqa: PLC0415

    chosen = _filter(reason, stage, since, until, partition)
    _, _, stages = _opened(use_case, archive)
    counts: Counter[tuple[str, str]] = Counter()
    for letter in letters(stages, chosen):
        content = letter.content
        if sum(counts.values()) < limit:
            typer.echo(json.dumps(_plain(letter)) if as_json else _line(letter))
        counts[content.stage, content.reason.value] += 1
    if as_json:
        rows = [{"stage": s, "reason": r, "count": n} for (s, r), n in sorted(counts.items())]
        typer.echo(json.dumps({"counts": rows, "total": sum(counts.values())}))
        return
    for (name, code), count in sorted(counts.items()):
        typer.echo(f"{count:10,} {name} {code}")
    typer.echo(f"{sum(counts.values()):10,} dead letters")


def show(
    use_case: UseCaseName,
    letter_id: Annotated[
        str, typer.Argument(metavar="PARTITION:OFFSET", help="As `dlq ls` lists it.")
    ],
    *,
    archive: _Archive = False,
    as_json: AsJson = False,
) -> None:
    """Show a dead letter whole, with the bytes of the record.

    Example: millrace dlq show fraud 0:17
    """
    from millrace.dead_letters.letters import Filter, letters  # noqa: PLC0415
    from millrace.dead_letters.originals import with_bytes  # noqa: PLC0415
    from udfs.errors import ConfigurationError  # noqa: PLC0415

    _, name, stages = _opened(use_case, archive)
    found = next((x for x in letters(stages, Filter()) if x.id == letter_id), None)
    if found is None:
        raise ConfigurationError(
            f"there is no dead letter {letter_id!r} of {name}; `millrace dlq ls {name}` lists them"
        )
    [found] = with_bytes(stages, [found])
    if as_json:
        typer.echo(json.dumps(_plain(found)))
        return
    for field, value in _plain(found).items():
        typer.echo(f"{field:20} {value}")


def redrive(
    use_case: UseCaseName,
    *,
    reason: _Reason = None,
    stage: _Stage = None,
    since: _Since = None,
    until: _Until = None,
    partition: _Partition = None,
    max_attempts: Annotated[
        int, typer.Option(min=1, help="How often the same bytes may be redriven.")
    ] = 3,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    archive: _Archive = False,
    as_json: AsJson = False,
) -> None:
    """Write dead letters back to the topic they came from, with their original bytes and key.

    Each is redriven at most once, over any number of calls: what was redriven is remembered in
    the topic <use case>.redrives, in the same transaction. A record that is refused again leaves
    a new dead letter, which may be redriven in turn until --max-attempts is reached. Headers
    millrace.redrive.* say where a record came from.

    Example: millrace dlq redrive fraud --reason schema --since 2025-07-31 --dry-run
    """
    from millrace.dead_letters.letters import letters  # noqa: PLC0415
    from millrace.dead_letters.originals import with_bytes  # noqa: PLC0415
    from millrace.dead_letters.redriving import Redriver  # noqa: PLC0415
    from millrace.kafka.cluster import cluster  # noqa: PLC0415

    chosen = _filter(reason, stage, since, until, partition)
    settings, name, stages = _opened(use_case, archive)
    deployment = f"{settings.score.transactional_id_prefix}-{name}"
    redriver = Redriver(cluster(settings.kafka), name, f"{deployment}/redrive", max_attempts)
    found = with_bytes(stages, letters(stages, chosen))
    if dry_run:
        done = redriver.plan(found)
    else:
        done = redriver.redrive(found, lambda n: typer.echo(f"{n:,} written", err=True))
    _tell(done, dry_run, as_json)
    if done.interrupted:
        raise typer.Exit(_INTERRUPTED)


def _filter(
    reason: str | None,
    stage: str | None,
    since: str | None,
    until: str | None,
    partition: int | None,
) -> "Filter":
    from millrace.dead_letters.letters import Filter  # noqa: PLC0415

    return Filter(reason, stage, *times_between(since, until), partition)


def _opened(use_case: str, archive: bool) -> "tuple[Settings, str, Stages]":
    from millrace.archive.stages import opened  # noqa: PLC0415
    from millrace.settings import load  # noqa: PLC0415
    from udfs.use_cases.find import find_use_case  # noqa: PLC0415

    settings, name = load(), find_use_case(use_case).name
    return settings, name, opened(settings, name, archived=archive)


def _plain(letter: "Letter") -> dict[str, Any]:
    content = letter.content
    return {
        "id": letter.id,
        "time_ms": letter.time_ms,
        "reason": content.reason.value,
        "stage": content.stage,
        "detail": content.detail,
        "source": "/".join(map(str, letter.source)),
        "kafka_timestamp_ms": content.kafka_timestamp_ms,
        "key": as_text(content.key),
        "value": as_value(content.value),
    }


def _line(letter: "Letter") -> str:
    content = letter.content
    place = f"{content.source_partition}:{content.source_offset}"
    return f"{letter.id:12} {content.stage} {content.reason.value:16} {place:14} {content.detail}"


def _tell(done: "Redriven", dry_run: bool, as_json: bool) -> None:
    if as_json:
        written = [
            {"dead_letter": entry.dead_letter, "target": entry.target, "attempt": entry.attempt}
            for entry in done.written
        ]
        counts = {"already": done.already, "exhausted": done.exhausted, "foreign": done.foreign}
        typer.echo(json.dumps({"dry_run": dry_run, "written": written, **counts}))
        return
    verb = "would be redriven" if dry_run else "redriven"
    typer.echo(f"{len(done.written):10,} {verb}")
    typer.echo(f"{done.already:10,} were redriven before")
    if done.exhausted:
        typer.echo(f"{done.exhausted:10,} left: as often as --max-attempts allows")
    if done.foreign:
        typer.echo(f"{done.foreign:10,} left: not about a record of raw or labels")
