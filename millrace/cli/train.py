"""`millrace train`: a model version of a use case, trained, evaluated and published."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress, TaskID

    from millrace.manifest import Manifest
    from training.progress import OnProgress
    from training.train import Trained


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(train)


def train(
    use_case: Annotated[str, typer.Argument(help="Installed name, or module:attribute.")],
    *,
    data: Annotated[
        Path | None, typer.Option(help="Folder with the use case's files; else the generator.")
    ] = None,
    archive: Annotated[
        Path | None, typer.Option(help="Folder of the archives that the job archive writes.")
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(help="With --archive: what became known later is left out, UTC. Default: now"),
    ] = None,
    count: Annotated[
        int, typer.Option(min=1, help="Records of history that are generated.")
    ] = 400_000,
    days: Annotated[int, typer.Option(min=1, help="Days of history that are generated.")] = 60,
    until: Annotated[
        datetime | None, typer.Option(help="End of the generated history, UTC. Default: now.")
    ] = None,
    train_days: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Days to train on, before the label delay and a week of test. "
            "Default: all there are; 7 of the fraud handbook's files and of a fraud archive.",
        ),
    ] = None,
    fit: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:FUNCTION",
            help="Training instead of the use case's own, such as "
            "training.models.sklearn_classifier:fit, which makes an ONNX graph.",
        ),
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training part.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of generator and training.")] = 1,
    candidate: Annotated[
        bool,
        typer.Option(
            "--candidate", help="Keep it aside for `millrace models gate`; nobody serves it."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print path and manifest.")] = False,
) -> None:
    """Train a model, evaluate it by a split in time, publish it as the next version.

    Labels of an archive count only if they were known as of a time, so a model of the past can be
    made again, or judged by what came after it.

    Example: millrace train fraud --data ~/data/fraud_handbook

    Example: millrace train fraud --archive .millrace/archive --as-of 2025-08-01

    Example: millrace train fraud --candidate && millrace models publish fraud
    """
    from millrace.settings import load  # noqa: PLC0415
    from millrace.sources.files import usual_train_days  # noqa: PLC0415
    from training import train as training  # noqa: PLC0415
    from training.models.fitted import FitOptions  # noqa: PLC0415
    from udfs.use_cases.find import find_use_case  # noqa: PLC0415

    settings, found = load(), find_use_case(use_case)
    if fit is not None:
        found = replace(found, fit=fit)
    source: training.Source
    if as_of is not None and archive is None:
        raise typer.BadParameter("it needs --archive", param_hint="--as-of")
    if data is not None and archive is not None:
        raise typer.BadParameter("--data and --archive exclude each other")
    if data is not None or archive is not None:
        train_days = train_days or usual_train_days(found)
    if archive is not None:
        source = training.from_archive(
            found,
            archive,
            as_of=(as_of or datetime.now(timezone.utc)).replace(tzinfo=timezone.utc),
            train_days=train_days,
            max_clock_skew_ms=settings.score.max_clock_skew_ms,
        )
    elif data is not None:
        source = training.from_files(found, data)
    else:
        end = until and until.replace(tzinfo=timezone.utc)
        source = training.from_generator(found, count=count, days=days, seed=seed, end=end)
    with _progress() as on_progress:
        trained = training.train(
            found,
            source,
            settings.candidates_path if candidate else settings.models_path,
            options=FitOptions(epochs, seed),
            train_days=train_days,
            on_progress=on_progress,
        )
    _tell(trained, as_json)
    if candidate and not as_json:
        number = trained.manifest.version
        typer.echo(f"kept aside; next: millrace models gate {use_case} {number}")


@contextmanager
def _progress() -> Iterator[OnProgress]:
    """A bar on a terminal, lines elsewhere."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _in_lines()
        return
    with Progress(console=console, transient=True) as progress:
        yield _shown_on(progress)


def _in_lines() -> OnProgress:
    """Lines such as `features 40,000 of 400,000`, one for each tenth of a step."""
    told: dict[str, int] = {}

    def show(step: str, done: int, total: int | None) -> None:
        tenth = 10 * done // total if total else done
        if told.get(step) != tenth:
            told[step] = tenth
            among = f" of {total:,}" if total else ""
            typer.echo(f"{step} {done:,}{among}", err=True)

    return show


def _shown_on(progress: Progress) -> OnProgress:
    tasks: dict[str, TaskID] = {}

    def show(step: str, done: int, total: int | None) -> None:
        if step not in tasks:
            tasks[step] = progress.add_task(step, total=total)
        progress.update(tasks[step], completed=done, total=total)

    return show


def _tell(trained: Trained, as_json: bool) -> None:
    import msgspec  # noqa: PLC0415

    if as_json:
        manifest = msgspec.to_builtins(trained.manifest)
        typer.echo(json.dumps({"path": str(trained.path), "manifest": manifest}))
        return
    _print_evaluation(trained.manifest)
    typer.echo(str(trained.path))
    typer.echo(f"report: {trained.report}")


def _print_evaluation(manifest: Manifest) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    test = manifest.data.test
    title = f"{manifest.model_name}:{manifest.version} on {test.rows:,} test records"
    positives = "" if test.positives is None else f", {test.positives:,} of them positive"
    table = Table(title=f"{title}{positives}", title_justify="left")
    table.add_column("measure")
    table.add_column("model", justify="right")
    table.add_column("rule", justify="right")
    for name, value in manifest.metrics.items():
        rule = manifest.metrics.get(f"rule_{name}")
        if rule is not None:
            table.add_row(name.replace("_", " "), f"{value:.3f}", f"{rule:.3f}")
    Console().print(table)
