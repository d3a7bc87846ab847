"""`millrace produce`: records of a use case into its raw topic."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from rich.progress import Progress

    from millrace.sources.produce import Pace, Produced
    from udfs.use_cases.contract import Label, UseCase

_HISTORY_COUNT = 100_000
_INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(produce)


def produce(
    use_case: Annotated[str, typer.Argument(help="Installed name, or module:attribute.")],
    *,
    data: Annotated[
        Path | None, typer.Option(help="Folder with the use case's files; else the generator.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(help="Records a second. The generator then makes live traffic, from now on."),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Records at most. Default: all files, 100,000 of history, endless live. What "
            "entities of live traffic did earlier, as maintenance needs it, comes on top.",
        ),
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, help="Days of history that the generator makes.")
    ] = 60,
    malformed: Annotated[
        float, typer.Option(help="Share of records that are made malformed, 0 to 1.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of the generator and of the faults.")] = 1,
    topic: Annotated[str | None, typer.Option(help="Default: <use case>.raw.")] = None,
    labels: Annotated[
        bool,
        typer.Option(help="Also write what becomes known of the records to <use case>.labels."),
    ] = True,
    label_delay: Annotated[
        float | None,
        typer.Option(min=0, help="Seconds until a label is known. Default: the use case's."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Write records to Kafka: generated history, live traffic, or files. Ctrl-C ends it.

    Example: millrace produce fraud --rate 200 --malformed 0.001
    """
    from millrace.kafka.cluster import cluster  # noqa: PLC0415
    from millrace.settings import load  # noqa: PLC0415
    from millrace.sources import produce as sources  # noqa: PLC0415
    from millrace.sources.labels import WithLabels  # noqa: PLC0415
    from millrace.sources.malformed import Malformed  # noqa: PLC0415
    from millrace.sources.records import encoded  # noqa: PLC0415
    from udfs.use_cases.find import find_use_case  # noqa: PLC0415

    found = find_use_case(use_case)
    target = topic or f"{found.name}.raw"
    records, total, pace = _source(
        found, data=data, rate=rate, count=count, days=days, seed=seed, labels=labels
    )
    faults = Malformed(found, malformed, seed)
    delay = None if label_delay is None else timedelta(seconds=label_delay)
    told = WithLabels(found if labels else replace(found, labels=None), delay)
    with _progress() as progress:
        task = progress.add_task(f"records to {target}", total=total)
        produced = sources.produce(
            told.among(records, lambda some: faults.among(encoded(found, some))),
            topic=target,
            cluster=cluster(load().kafka),
            pace=pace,
            on_progress=lambda now: progress.update(task, completed=now.sent - told.told),
        )
    _tell(produced, target, dict(sorted(faults.counts.items())), told.told, as_json)
    if produced.interrupted and total is not None:
        raise typer.Exit(_INTERRUPTED)


def _source(
    use_case: UseCase,
    *,
    data: Path | None,
    rate: float | None,
    count: int | None,
    days: int,
    seed: int,
    labels: bool,
) -> tuple[Iterator[tuple[Any, Label]], int | None, Pace | None]:
    """Labelled records, how many were asked for, and how they are held back."""
    from millrace.sources import generator  # noqa: PLC0415
    from millrace.sources.files import file_records, labelled_records  # noqa: PLC0415
    from millrace.sources.produce import at_event_time, at_rate  # noqa: PLC0415

    now_ms = generator.now_ms()
    if data is not None:
        paced = at_rate(rate) if rate is not None else None
        if labels:
            return islice(labelled_records(use_case, data), count), count, paced
        unlabelled = ((record, False) for record in file_records(use_case, data))
        return islice(unlabelled, count), count, paced
    if rate is not None:
        live = generator.live(use_case, seed=seed, rate=rate, start_ms=now_ms)
        earlier = generator.before(use_case, seed=seed, rate=rate, start_ms=now_ms)
        return chain(earlier, islice(live, count)), count, at_event_time()
    size = _HISTORY_COUNT if count is None else count
    span = timedelta(days=days)
    past = generator.past(use_case, seed=seed, count=size, span=span, end_ms=now_ms)
    return past, size, None


def _progress() -> Progress:
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _tell(
    produced: Produced, topic: str, malformed: dict[str, int], labels: int, as_json: bool
) -> None:
    spoilt = sum(malformed.values())
    if as_json:
        summary = {
            "topic": topic,
            "records": produced.delivered - labels,
            "labels": labels,
            "malformed": malformed,
            "seconds": round(produced.seconds, 3),
            "interrupted": produced.interrupted,
        }
        typer.echo(json.dumps(summary))
        return
    records = produced.delivered - labels
    rate = records / max(produced.seconds, 1e-9)
    among = f", {spoilt:,} of them malformed" if spoilt else ""
    and_labels = f"; {labels:,} labels of earlier ones" if labels else ""
    typer.echo(f"{records:,} records in {topic}{among} ({rate:,.0f} a second){and_labels}")
