"""`millrace up | status | down`: the local stack."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from millrace.stack.local import PartStatus

_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_DOWN = 1


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(up)
    app.command()(status)
    app.command()(down)


def up(
    *,
    use_case: Annotated[str, typer.Option(help="Whose model the model server serves.")] = "fraud",
    only: Annotated[
        list[str] | None, typer.Option(help="Start only this part; may be repeated.")
    ] = None,
    as_json: _AsJson = False,
) -> None:
    """Start Kafka, model server and Flink in the background.

    A usual port that is taken is replaced by a free one, which the other commands then know.
    What runs already is left alone.

    Example: millrace up --only broker --only flink
    """
    from millrace.settings import load  # noqa: PLC0415
    from millrace.stack.local import PARTS, LocalStack, status  # noqa: PLC0415
    from udfs.errors import ConfigurationError  # noqa: PLC0415
    from udfs.use_cases.find import find_use_case  # noqa: PLC0415

    for part in only or ():
        if part not in PARTS:
            raise ConfigurationError(f"there is no part {part}; parts are {', '.join(PARTS)}")
    settings = load()
    stack = LocalStack(
        settings,
        find_use_case(use_case).model.model_name,
        parts=tuple(part for part in PARTS if not only or part in only),
        dies_with_owner=False,
        tell=lambda line: typer.echo(line, err=True),
    )
    stack.up()
    _print(status(settings.stack.state_dir), as_json)
    if not as_json:
        typer.echo("`millrace status` looks again, `millrace down` stops it")


def status(*, as_json: _AsJson = False) -> None:
    """Show what runs of the local stack, or of a demo where no stack runs.

    The exit status is 1 when nothing runs or a process ended by itself.

    Example: millrace status --json
    """
    from millrace.settings import load  # noqa: PLC0415
    from millrace.stack.local import DEMO, status  # noqa: PLC0415

    state_dir = load().stack.state_dir
    parts = status(state_dir)
    if not parts and (parts := status(state_dir / DEMO)) and not as_json:
        typer.echo("a demo runs, which ends with Ctrl-C in its terminal:")
    _print(parts, as_json)
    if not parts or any(part.dead for part in parts):
        raise typer.Exit(_DOWN)


def down(
    *,
    purge: Annotated[
        bool, typer.Option(help="Remove the data of Kafka and Flink too; models stay.")
    ] = False,
) -> None:
    """Stop the local stack; its data stays.

    Example: millrace down --purge
    """
    from millrace.settings import load  # noqa: PLC0415
    from millrace.stack.local import down  # noqa: PLC0415

    stopped = down(load().stack.state_dir, purge=purge)
    typer.echo(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


def _print(parts: "list[PartStatus]", as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([asdict(part) for part in parts]))
        return
    if not parts:
        typer.echo("nothing is running; `millrace up` starts the local stack")
    for part in parts:
        pids = ", ".join(map(str, part.pids)) or "none"
        typer.echo(f"{part.part:13} {part.address or '-':22} processes {pids}")
        for name in part.dead:
            typer.echo(f"{'':13} ended: {name}")
