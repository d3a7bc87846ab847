"""`millrace init`: a project of one's own with a use case that runs."""

import shlex
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(init)


def init(
    name: Annotated[str, typer.Argument(help="Of the use case and its Python package.")],
    *,
    into: Annotated[
        Path | None, typer.Option(help="Folder to write into, new or empty; ./NAME if left out.")
    ] = None,
    millrace: Annotated[
        Path | None,
        typer.Option(help="Checkout that the project installs; the running one if left out."),
    ] = None,
) -> None:
    """Write a project of its own with a use case that runs.

    One file with the use case, a generator of labelled traffic, tests (the contract of all use
    cases and some of its own), pyproject.toml, a Makefile with setup, test and demo, and a README
    whose eight steps make it yours. Nothing is installed yet, and nothing is overwritten.

    Example: millrace init returns && cd returns && make test
    """
    from millrace.project.installation import checkout, running  # noqa: PLC0415
    from millrace.project.write import write_project  # noqa: PLC0415

    folder = into or Path(name)
    source = running() if millrace is None else checkout(millrace)
    for path in write_project(name, folder, source):
        typer.echo(f"wrote {path}")
    typer.echo(f"next: cd {shlex.quote(str(folder))} && make test && make demo")
