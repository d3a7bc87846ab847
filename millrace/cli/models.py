"""`millrace models`: the published model versions, and the way of a candidate to them."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated

import typer

from millrace.cli import model_gate
from millrace.cli.arguments import AsJson

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from millrace.manifest import DataRange, Manifest

_Candidates = Annotated[
    bool, typer.Option("--candidates", help="Candidates, which nobody serves, instead of versions.")
]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    models = typer.Typer(
        no_args_is_help=True,
        help="Model versions: what there is and from what; candidates judged and published.",
    )
    models.command("list")(list_models)
    models.command("show")(show)
    model_gate.register(models)
    app.add_typer(models, name="models")


def list_models(*, candidates: _Candidates = False, as_json: AsJson = False) -> None:
    """List all whole versions under the models' base path.

    Example: millrace models list

    Example: millrace models list --candidates
    """
    from millrace import registry  # noqa: PLC0415
    from millrace.settings import load  # noqa: PLC0415

    settings = load()
    base = settings.candidates_path if candidates else settings.models_path
    manifests = [
        registry.manifest_of(base, name, version)
        for name in registry.model_names(base)
        for version in registry.versions(base, name)
    ]
    if as_json:
        typer.echo(json.dumps([_builtins(manifest) for manifest in manifests]))
    elif manifests:
        _print_list(base, manifests)
    else:
        what, how = ("candidates", " --candidate") if candidates else ("models", "")
        typer.echo(f"no {what} under {base}; `millrace train fraud{how}` makes one")


def show(
    model: Annotated[str, typer.Argument(help="NAME or NAME:VERSION; the newest by default.")],
    *,
    candidates: _Candidates = False,
    as_json: AsJson = False,
) -> None:
    """Show what a version was trained on, how good it is, what it takes and what the gate said.

    Example: millrace models show fraud:1
    """
    from millrace import registry  # noqa: PLC0415
    from millrace.settings import load  # noqa: PLC0415
    from udfs.errors import ConfigurationError  # noqa: PLC0415

    name, colon, version = model.partition(":")
    if colon and not version.isdecimal():
        raise ConfigurationError(f"a model is NAME or NAME:VERSION with a number, not {model!r}")
    settings = load()
    base = settings.candidates_path if candidates else settings.models_path
    manifest = registry.manifest_of(base, name, int(version) if colon else None)
    if as_json:
        typer.echo(json.dumps(_builtins(manifest)))
    else:
        _print_manifest(base, manifest)


def _builtins(manifest: Manifest) -> object:
    import msgspec  # noqa: PLC0415

    return msgspec.to_builtins(manifest)


def _print_list(base: Path, manifests: Sequence[Manifest]) -> None:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=SIMPLE_HEAD)
    for heading in ("model", "version", "kind", "created (UTC)", "measure", "gate"):
        table.add_column(heading, no_wrap=heading != "measure")
    for manifest in manifests:
        kind, gate, _ = _beside(base, manifest)
        table.add_row(
            manifest.model_name,
            str(manifest.version),
            kind,
            _time(manifest.created_ms),
            _first_measure(manifest),
            gate,
        )
    Console().print(table)


def _print_manifest(base: Path, manifest: Manifest) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    kind, gate, reasons = _beside(base, manifest)
    table = Table(show_header=False, title=f"{manifest.model_name}:{manifest.version}")
    table.add_row("use case", manifest.use_case)
    table.add_row("kind", kind)
    table.add_row("created (UTC)", _time(manifest.created_ms))
    table.add_row("gate", "\n".join([gate, *reasons]))
    table.add_row("source", manifest.data.source)
    table.add_row("train", _range(manifest.data.train))
    table.add_row("validation", _range(manifest.data.validation))
    table.add_row("test", _range(manifest.data.test))
    if manifest.decision_threshold is not None:
        table.add_row("decision threshold", f"{manifest.decision_threshold:.6f}")
    signature = manifest.signature
    table.add_row("signature", f"{signature.input} -> {', '.join(signature.outputs)}")
    table.add_row("feature spec", manifest.feature_spec_hash)
    table.add_row("features", ", ".join(manifest.feature_names))
    for name, value in manifest.metrics.items():
        table.add_row(name.replace("_", " "), f"{value:.4f}")
    table.add_row("seed", str(manifest.seed))
    versions = (f"{name} {version}" for name, version in manifest.library_versions.items())
    table.add_row("trained by", ", ".join(versions))
    Console().print(table)


def _beside(base: Path, manifest: Manifest) -> tuple[str, str, list[str]]:
    """What kind of model it is, what the gate said in a word, and each of its reasons."""
    from millrace import registry  # noqa: PLC0415
    from millrace.version_directory import kind_of  # noqa: PLC0415

    folder = registry.version_path(base, manifest.model_name, manifest.version)
    verdict = registry.verdict_of(base, manifest.model_name, manifest.version)
    kind = kind_of(folder) or ""
    if verdict is None:
        return kind, "not asked", []
    against = [f"against {verdict.champion}"] if verdict.champion else []
    return kind, verdict.outcome, [*against, *(f"{c.name}: {c.reason}" for c in verdict.checks)]


def _first_measure(manifest: Manifest) -> str:
    """The measure by which the use case compares models, where it is installed here."""
    from udfs.errors import UseCaseError  # noqa: PLC0415
    from udfs.use_cases.find import find_use_case  # noqa: PLC0415

    try:
        names = [measure.name for measure in find_use_case(manifest.use_case).measures]
    except UseCaseError:
        names = list(manifest.metrics)
    known = [name for name in names if name in manifest.metrics]
    return f"{known[0].replace('_', ' ')} {manifest.metrics[known[0]]:.3f}" if known else ""


def _range(part: DataRange) -> str:
    span = f"{_time(part.start_ms)} to {_time(part.end_ms)}"
    positives = "" if part.positives is None else f", {part.positives:,} positive"
    return f"{span}: {part.rows:,} records{positives}"


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1_000, timezone.utc).strftime("%Y-%m-%d %H:%M")
