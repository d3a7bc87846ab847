"""The command `millrace`: puts its parts together and answers every failure in one sentence."""

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from udfs.errors import MillraceError

# In the order of `millrace --help`. A command appears once its module is there.
MODULES = (
    "doctor",
    "init",
    "stack",
    "demo",
    "topics",
    "produce",
    "ingest",
    "run",
    "tail",
    "archive",
    "audit",
    "dlq",
    "inspect",
    "skew",
    "train",
    "models",
    "model_command",
)
_DEBUG = "--debug"
_INTERRUPTED = 130
_BROKEN_PIPE = 141


def main() -> None:
    """Runs the command line of this process and exits with its status."""
    sys.exit(run(sys.argv[1:]))


def run(argv: Sequence[str]) -> int:
    """The exit status of a command line; failures are told on standard error."""
    debug = _DEBUG in argv
    arguments = [argument for argument in argv if argument != _DEBUG] or ["--help"]
    try:
        status = build()(arguments, prog_name="millrace", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except (KeyboardInterrupt, typer.Abort):
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except TyperException as error:
        return _tell(error.format_message(), error.exit_code, debug)
    except MillraceError as error:
        return _tell(str(error), error.exit_status, debug)
    except Exception as error:  # the last resort of the command line: never a bare traceback
        hint = "" if debug else "; --debug shows where"
        return _tell(f"unexpected {type(error).__name__}: {_first_line(error)}{hint}", 1, debug)


def build() -> typer.Typer:
    """The application with every command whose module is installed."""
    app = typer.Typer(
        help="Real-time machine learning on Kafka with PyFlink and TensorFlow Serving.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        # Docstrings are plain text: brackets and stars in them mean themselves.
        rich_markup_mode=None,
    )
    app.callback()(_global_options)
    for name in MODULES:
        if importlib.util.find_spec(f"millrace.cli.{name}") is not None:
            importlib.import_module(f"millrace.cli.{name}").register(app)
    return app


def _tell_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # noqa: PLC0415

        typer.echo(f"millrace {version('millrace-flink')}")
        raise typer.Exit


def _global_options(
    debug: bool = typer.Option(False, _DEBUG, help="Show the traceback of a failure."),
    version: bool = typer.Option(
        False, "--version", is_eager=True, callback=_tell_version, help="Show the version."
    ),
) -> None:
    """Settings come from millrace.toml (or MILLRACE_CONFIG) and the environment."""


def _tell(message: str, status: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"error: {message}", file=sys.stderr)
    return status


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0]
