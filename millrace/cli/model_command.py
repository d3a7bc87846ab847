"""`millrace model-server`: handed on whole, since its flags are TensorFlow Serving's."""

import typer

_ALL_ARGUMENTS = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("model-server", context_settings=_ALL_ARGUMENTS)(model_server)


def model_server(context: typer.Context) -> None:
    """Serve SavedModels as TensorFlow Serving does.

    Example: millrace model-server --port=8500 --model_name=fraud --model_base_path=models/fraud
    """
    from millrace.cli.model_server import main  # noqa: PLC0415

    raise typer.Exit(main(context.args))
