"""`millrace demo`: all of it in one go, with a live view."""

import json
import time
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

if TYPE_CHECKING:
    from millrace.demo.plan import Plan
    from millrace.demo.summary import Summary

_LONGEST_HISTORY_DAYS = 120


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(demo)


def demo(
    use_case: Annotated[str, typer.Argument(help="Installed name, or module:attribute.")],
    *,
    once: Annotated[
        bool, typer.Option("--once", help="End by itself; the counts then have to close.")
    ] = False,
    rate: Annotated[float, typer.Option(min=0.1, max=5_000, help="Live records a second.")] = 50.0,
    count: Annotated[int, typer.Option(min=1, help="With --once: live records at least.")] = 2_000,
    seed: Annotated[int, typer.Option(min=0, help="Of people, history and traffic.")] = 1,
    history_days: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=_LONGEST_HISTORY_DAYS,
            help="Days of history replayed before live traffic. Default: 8; 60 of fraud, of which "
            "a training from the archive has a month.",
        ),
    ] = None,
    train_count: Annotated[
        int, typer.Option(min=1, help="Records of history that the model is trained on.")
    ] = 100_000,
    retrain: Annotated[
        bool, typer.Option("--retrain", help="Train even if a version fits already.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Summary as a JSON object in the last line.")
    ] = False,
) -> None:
    """Show a use case from raw records to model-scored predictions, live.

    Starts a Kafka broker, Flink and the model server on this machine, replays some days of
    generated history and then sends live traffic, a little of it malformed. A rule answers until
    the first model is trained, published and served; a version that an earlier demo published is
    used again, unless --retrain asks for a new one. Then the job archive writes all topics to
    Parquet files.

    A day of fraud passes in a minute: labels come seven days after their payments, risks of
    terminals move, and a challenger is trained from the archive alone. The gate judges it, and
    what passes is the next version, which the server takes while the job runs on.

    Everything is kept in the folder demo/ of the state directory (.millrace), which starts empty
    each time; topics and data of `millrace up` are not touched. Models are published where all
    commands look for them. Logs and archive stay after the end.

    Ctrl-C ends a live demo with its summary and status 0; before the first prediction, or into
    --once, the status is 130. Every process is gone at the end.

    Example: millrace demo fraud --once --json
    """
    started = time.monotonic()
    from millrace.demo.plan import DemoFailed, Plan  # noqa: PLC0415
    from millrace.demo.stories import story_of  # noqa: PLC0415
    from udfs.use_cases.find import find_use_case  # noqa: PLC0415

    found = find_use_case(use_case)
    story = story_of(found)
    plan = Plan(
        use_case_name=use_case,
        use_case=found,
        story=story,
        once=once,
        rate=rate,
        count=count,
        seed=seed,
        history_days=story.history_days if history_days is None else history_days,
        train_count=train_count,
        retrain=retrain,
    )
    summary = _run(plan, started, as_json)
    if summary.problem:
        raise DemoFailed(summary.problem)


def _run(plan: "Plan", started: float, as_json: bool) -> "Summary":
    from millrace.demo.display import Display  # noqa: PLC0415
    from millrace.demo.output import kept_for_demo  # noqa: PLC0415
    from millrace.demo.place import fresh  # noqa: PLC0415
    from millrace.demo.run import Demo  # noqa: PLC0415
    from millrace.demo.signals import ordered_end  # noqa: PLC0415
    from millrace.settings import load  # noqa: PLC0415
    from millrace.stack.jars import ensure_jars  # noqa: PLC0415

    settings = load()
    ensure_jars()  # with Maven's news on the terminal, before it is the demo's
    with ordered_end(), fresh(settings) as place:
        with kept_for_demo(place / "logs" / "demo.log") as terminal:
            running = Demo(plan, settings, place, started)
            shown_on = terminal.err if as_json else terminal.out
            with Display(plan, running.status, running.tally, shown_on):
                summary = running.run()
            _tell(summary, plan, shown_on, terminal.out if as_json else None)
    return summary


def _tell(summary: "Summary", plan: "Plan", people: TextIO, programs: TextIO | None) -> None:
    from rich.console import Console  # noqa: PLC0415

    from millrace.demo.summary import show  # noqa: PLC0415

    show(summary, plan, Console(file=people, highlight=False))
    people.flush()
    if programs is not None:
        print(json.dumps(summary.as_json()), file=programs, flush=True)
