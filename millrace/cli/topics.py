"""`millrace topics apply | show`: the topics of a use case."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

_UseCase = Annotated[str, typer.Argument(help="Installed name, or module:attribute.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_MISSING = 1


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    topics = typer.Typer(no_args_is_help=True, help="Topics of a use case, as they are declared.")
    topics.command()(apply)
    topics.command()(show)
    app.add_typer(topics, name="topics")


def apply(use_case: _UseCase = "fraud", *, as_json: _AsJson = False) -> None:
    """Create missing topics, add partitions and mend settings; say what was changed.

    Partitions are never taken away and topics never deleted.

    Example: millrace topics apply fraud
    """
    from millrace.kafka import topics  # noqa: PLC0415
    from millrace.settings import load  # noqa: PLC0415
    from udfs.use_cases.find import find_use_case  # noqa: PLC0415

    changes = topics.apply(load(), find_use_case(use_case).name)
    if as_json:
        typer.echo(json.dumps([asdict(change) for change in changes]))
        return
    for change in changes:
        if change.before is None:
            typer.echo(f"{change.topic}: created with {change.after}")
        else:
            typer.echo(f"{change.topic}: {change.setting} {change.before} -> {change.after}")
    if not changes:
        typer.echo("nothing to change")


def show(use_case: _UseCase = "fraud", *, as_json: _AsJson = False) -> None:
    """Show the topics of a use case as they are; the exit status is 1 when one is missing.

    Example: millrace topics show fraud --json
    """
    from millrace.kafka import topics  # noqa: PLC0415
    from millrace.settings import load  # noqa: PLC0415
    from udfs.use_cases.find import find_use_case  # noqa: PLC0415

    found = topics.show(load(), find_use_case(use_case).name)
    if as_json:
        typer.echo(json.dumps([asdict(topic) for topic in found]))
    else:
        for topic in found:
            settings = ", ".join(f"{key}={value}" for key, value in topic.config.items())
            state = f"{topic.partitions} partitions" if topic.partitions else "missing"
            typer.echo(f"{topic.name:22} {state:13} {settings}".rstrip())
    if not all(topic.partitions for topic in found):
        raise typer.Exit(_MISSING)
