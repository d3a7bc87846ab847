"""`millrace models gate` and `publish`: a candidate judged, and put where servers find it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from millrace.cli.arguments import AsJson, UseCaseName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from millrace.gate.judging import Gate
    from millrace.gate.limits import Limits
    from millrace.gate.publishing import Published
    from millrace.gate.subjects import Subject
    from millrace.settings import Settings
    from millrace.verdict import Verdict
    from udfs.client.options import ClientOptions
    from udfs.use_cases.contract import UseCase

_Candidate = Annotated[
    str | None,
    typer.Argument(help="Number of a candidate, or a version directory. Default: the newest one."),
]
_Against = Annotated[
    str | None,
    typer.Option(
        help="Champion: number of a published version, a version directory, or rule. Default: the "
        "newest version, or the rule where there is none."
    ),
]
_Server = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="A server that serves the candidate under its number. Default: one is started.",
    ),
]
_MaxLoss = Annotated[
    float, typer.Option(min=0, help="Share of the champion's figure that a measure may be worse.")
]
_MaxError = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="Expected calibration error. Default: twice the share of the rarer label, at most "
        "0.05.",
    ),
]
_MaxSize = Annotated[float, typer.Option(min=0, help="MiB that a server loads.")]
_MaxLatency = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="p99 of calls of 256 rows, milliseconds. Default: half of serving.deadline_ms.",
    ),
]
_MaxSlowdown = Annotated[
    float, typer.Option(min=1, help="p50 of calls of 256 rows, as a multiple of the champion's.")
]
_COLORS = {"passed": "green", "refused": "red", "does not apply": "dim"}


def register(models: typer.Typer) -> None:
    """Adds the commands to `millrace models`."""
    models.command("gate")(gate)
    models.command("publish")(publish)


def gate(
    use_case: UseCaseName,
    candidate: _Candidate = None,
    *,
    against: _Against = None,
    server: _Server = None,
    max_loss: _MaxLoss = 0.01,
    max_calibration_error: _MaxError = None,
    max_size_mib: _MaxSize = 512.0,
    max_latency_ms: _MaxLatency = None,
    max_slowdown: _MaxSlowdown = 3.0,
    as_json: AsJson = False,
) -> None:
    """Judge a candidate: features, signature, golden rows, quality, calibration, size, latency.

    A real model server answers, and candidate and champion score the same rows: those that the
    candidate was tested on. The exit status is 0 when it passed and 1 when it was refused.

    Example: millrace models gate fraud

    Example: millrace models gate fraud 3 --against 2 --max-loss 0.02 --json
    """
    from millrace.gate.limits import Limits  # noqa: PLC0415

    settings, case, subject = _what(use_case, candidate)
    latency_ms = _latency_ms(settings, max_latency_ms)
    limits = Limits(max_loss, max_calibration_error, max_size_mib, latency_ms, max_slowdown)
    chosen = _gate(settings, case, limits, against=against, server=server)
    with _progress() as tell:
        verdict = replace(chosen, tell=tell).judge(subject)
    if as_json:
        typer.echo(json.dumps(_builtins(verdict)))
    else:
        _print(verdict, subject)
    if verdict.outcome != "passed":
        raise typer.Exit(1)


def publish(
    use_case: UseCaseName,
    candidate: _Candidate = None,
    *,
    version: Annotated[
        int | None, typer.Option(min=1, help="Number of the version. Default: the next one.")
    ] = None,
    no_gate: Annotated[
        bool, typer.Option("--no-gate", help="Publish it unjudged; the version says so.")
    ] = False,
    against: _Against = None,
    server: _Server = None,
    max_loss: _MaxLoss = 0.01,
    max_calibration_error: _MaxError = None,
    max_size_mib: _MaxSize = 512.0,
    max_latency_ms: _MaxLatency = None,
    max_slowdown: _MaxSlowdown = 3.0,
    as_json: AsJson = False,
) -> None:
    """Judge a candidate and, when it passed, publish a copy of it as the next version.

    The copy appears under its number all at once, with the verdict beside it; model servers take
    it within seconds. What the gate refuses is not published, and the exit status is 1.

    Example: millrace models publish fraud

    Example: millrace models publish fraud /mnt/exported/fraud --version 12
    """
    from millrace.gate import publishing  # noqa: PLC0415
    from millrace.gate.limits import Limits  # noqa: PLC0415

    settings, case, subject = _what(use_case, candidate)
    latency_ms = _latency_ms(settings, max_latency_ms)
    limits = Limits(max_loss, max_calibration_error, max_size_mib, latency_ms, max_slowdown)
    chosen = _gate(settings, case, limits, against=against, server=server)
    with _progress() as tell:
        judge = None if no_gate else replace(chosen, tell=tell)
        found = publishing.publish(settings.models_path, case, subject, gate=judge, version=version)
    _tell(found, subject, as_json)
    if found.version is None:
        raise typer.Exit(1)


def _what(use_case: str, candidate: str | None) -> tuple[Settings, UseCase, Subject]:
    from millrace.gate import subjects  # noqa: PLC0415
    from millrace.settings import load  # noqa: PLC0415
    from udfs.use_cases.find import find_use_case  # noqa: PLC0415

    settings, case = load(), find_use_case(use_case)
    return settings, case, subjects.candidate(settings, case, candidate)


def _latency_ms(settings: Settings, given: float | None) -> float:
    """A call that takes half the deadline leaves no time to try again before the rule answers."""
    return settings.serving.deadline_ms / 2 if given is None else given


def _gate(
    settings: Settings, case: UseCase, limits: Limits, *, against: str | None, server: str | None
) -> Gate:
    from millrace.gate import subjects  # noqa: PLC0415
    from millrace.gate.judging import Gate  # noqa: PLC0415

    champion = subjects.champion(settings, case, against)
    return Gate(case, champion, limits, server, _client(settings) if server else None)


def _client(settings: Settings) -> ClientOptions:
    from jobs.options import client_options  # noqa: PLC0415  (loads PyFlink, which takes a second)

    return client_options(settings.serving)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    from rich.console import Console  # noqa: PLC0415

    with Console(stderr=True).status("reading") as status:
        yield status.update


def _builtins(verdict: Verdict) -> object:
    import msgspec  # noqa: PLC0415

    return msgspec.to_builtins(verdict)


def _tell(found: Published, subject: Subject, as_json: bool) -> None:
    if as_json:
        path = None if found.path is None else str(found.path)
        told = {"version": found.version, "path": path, "verdict": _builtins(found.verdict)}
        typer.echo(json.dumps(told))
        return
    if found.verdict.checks:
        _print(found.verdict, subject)
    else:
        typer.echo("not judged, as --no-gate says")
    what = f"{subject.manifest.model_name}:{found.version}"
    typer.echo("not published" if found.path is None else f"published as {what}: {found.path}")


def _print(verdict: Verdict, subject: Subject) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    title = f"{subject.manifest.model_name}, {subject.name}, against {verdict.champion}"
    table = Table("check", "outcome", "why", title=title, title_justify="left")
    for check in verdict.checks:
        color = _COLORS[check.outcome]
        table.add_row(check.name, f"[{color}]{check.outcome}[/{color}]", escape(check.reason))
    Console().print(table)
    reasons = "".join(f"\n  {reason}" for reason in verdict.reasons)
    typer.echo(f"{verdict.outcome}{':' if reasons else ''}{reasons}")
