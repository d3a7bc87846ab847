"""`millrace skew`: live feature rows, computed again from the archive."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from millrace.cli.arguments import AsJson, UseCaseName

if TYPE_CHECKING:
    from millrace.skew.comparison import Skew
    from millrace.skew.rows import OnProgress


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(skew)


def skew(
    use_case: UseCaseName = "fraud",
    *,
    sample: Annotated[int, typer.Option(min=1, help="Feature rows to look at.")] = 1_000,
    seed: Annotated[int, typer.Option(help="Seed of the choice.")] = 1,
    topics: Annotated[
        bool, typer.Option("--topics", help="Read the topics instead of the archive.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compute live feature rows again and compare them bit for bit.

    Takes a sample of the feature rows that the job wrote (score.features_topic), folds all
    archived records of their entity keys anew, in the order of their sequence numbers, and
    compares every number. Rows of keys whose earlier rows are not there are counted, not
    compared. The exit status is 1 when a number differs or nothing could be compared.

    score.order and score.shards have to be those of the job. In order of arrival, keys whose order
    is not certain after a silence count as incomplete.

    Example: millrace skew fraud --sample 5000
    """
    from millrace.archive.stages import opened  # noqa: PLC0415
    from millrace.settings import load  # noqa: PLC0415
    from millrace.skew import comparison  # noqa: PLC0415
    from udfs.use_cases.find import find_use_case  # noqa: PLC0415

    settings, case = load(), find_use_case(use_case)
    how = comparison.How(sample, seed, settings.score.shards, settings.score.order)
    with _progress() as tell:
        stages = opened(settings, case.name, archived=not topics)
        found = comparison.skew(stages, case, how, tell)
    if as_json:
        typer.echo(json.dumps({**asdict(found), "holds": found.holds}))
    else:
        _print(found)
    if not found.holds:
        raise typer.Exit(1)


@contextmanager
def _progress() -> "Iterator[OnProgress]":
    from rich.console import Console  # noqa: PLC0415

    with Console(stderr=True).status("reading") as status:
        yield lambda what, count: status.update(f"{what}: {count:,} records")


def _print(found: "Skew") -> None:
    typer.echo(f"{found.rows:12,} feature rows, {found.sampled:,} of them sampled")
    typer.echo(f"{found.compared:12,} compared")
    typer.echo(f"{found.equal:12,} equal in every bit")
    for count, what in (
        (found.incomplete, "left out: earlier rows of their keys are not there"),
        (found.other_specs, "feature rows of other specs, not looked at"),
        (found.repeated, "further rows of the same records, not looked at"),
    ):
        if count:
            typer.echo(f"{count:12,} {what}")
    for one in found.differences:
        typer.echo(
            f"{one.source} ({one.business_id}) {one.name}: live {one.live!r}, "
            f"again {one.again!r}, off by {one.again - one.live:g}"
        )
    if not found.compared:
        typer.echo("nothing could be compared")
