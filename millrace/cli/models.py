"""`millrace models`: the published model versions."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from millrace.manifest import DataRange, Manifest

_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    models = typer.Typer(no_args_is_help=True, help="Model versions: what there is, and from what.")
    models.command("list")(list_models)
    models.command("show")(show)
    app.add_typer(models, name="models")


def list_models(*, as_json: _AsJson = False) -> None:
    """List all whole versions under the models' base path.

    Example: millrace models list
    """
    from millrace import registry  # noqa: PLC0415
    from millrace.settings import load  # noqa: PLC0415

    base = load().models_path
    manifests = [
        registry.manifest_of(base, name, version)
        for name in registry.model_names(base)
        for version in registry.versions(base, name)
    ]
    if as_json:
        typer.echo(json.dumps([_builtins(manifest) for manifest in manifests]))
    elif manifests:
        _print_list(manifests)
    else:
        typer.echo(f"no models under {base}; `millrace train fraud` makes one")


def show(
    model: Annotated[str, typer.Argument(help="NAME or NAME:VERSION; the newest by default.")],
    *,
    as_json: _AsJson = False,
) -> None:
    """Show what a version was trained on, how good it is, and what it takes.

    Example: millrace models show fraud:1
    """
    from millrace import registry  # noqa: PLC0415
    from millrace.settings import load  # noqa: PLC0415
    from udfs.errors import ConfigurationError  # noqa: PLC0415

    name, colon, version = model.partition(":")
    if colon and not version.isdecimal():
        raise ConfigurationError(f"a model is NAME or NAME:VERSION with a number, not {model!r}")
    base = load().models_path
    manifest = registry.manifest_of(base, name, int(version) if colon else None)
    if as_json:
        typer.echo(json.dumps(_builtins(manifest)))
    else:
        _print_manifest(manifest)


def _builtins(manifest: Manifest) -> object:
    import msgspec  # noqa: PLC0415

    return msgspec.to_builtins(manifest)


def _print_list(manifests: list[Manifest]) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table("model", "version", "created (UTC)", "trained on", "average precision", "spec")
    for manifest in manifests:
        table.add_row(
            manifest.model_name,
            str(manifest.version),
            _time(manifest.created_ms),
            f"{manifest.data.train.rows:,} records",
            f"{manifest.metrics.get('average_precision', float('nan')):.3f}",
            manifest.feature_spec_hash,
        )
    Console().print(table)


def _print_manifest(manifest: Manifest) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(show_header=False, title=f"{manifest.model_name}:{manifest.version}")
    table.add_row("use case", manifest.use_case)
    table.add_row("created (UTC)", _time(manifest.created_ms))
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


def _range(part: DataRange) -> str:
    span = f"{_time(part.start_ms)} to {_time(part.end_ms)}"
    positives = "" if part.positives is None else f", {part.positives:,} positive"
    return f"{span}: {part.rows:,} records{positives}"


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1_000, timezone.utc).strftime("%Y-%m-%d %H:%M")
