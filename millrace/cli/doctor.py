"""`millrace doctor`: what this machine lacks, and how to mend it."""

import json
from dataclasses import asdict
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(doctor)


def doctor(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check what this machine lacks; say how to mend it.

    The exit status is 3 when it lacks something.

    Example: millrace doctor
    """
    from millrace.settings import load  # noqa: PLC0415
    from millrace.stack.checks import checks  # noqa: PLC0415
    from udfs.errors import EnvironmentFault  # noqa: PLC0415

    found = list(checks(load()))
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in found]))
    else:
        for check in found:
            typer.echo(f"{'ok' if check.ok else 'LACKING':8} {check.name:24} {check.found}")
            if check.remedy:
                typer.echo(f"{'':33} {check.remedy}")
    if not all(check.ok for check in found):
        raise typer.Exit(EnvironmentFault.exit_status)
