"""The server's settings and the flags they come from, named as TensorFlow Serving's."""

import argparse
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from millrace.model_server.model_config import ModelConfig, model_configs
from millrace.model_server.saved_model import SessionThreads
from udfs.errors import ConfigurationError

_PORTS: Final = range(65536)
_MEBIBYTE: Final = 1 << 20


@dataclass(frozen=True)
class Settings:
    """What the server runs with.

    Attributes:
        port: gRPC port; 0 takes a free one.
        bind_address: address to listen on.
        models: the models to serve.
        poll_wait_s: seconds between two looks at the base paths; 0 looks once only.
        threads: threads of each model's session.
        as_content: replies carry `tensor_content` instead of the typed fields.
        max_message_bytes: limit of a request, and of a tensor that a request describes.
    """

    port: int
    bind_address: str
    models: tuple[ModelConfig, ...]
    poll_wait_s: float
    threads: SessionThreads
    as_content: bool
    max_message_bytes: int


class _Flags(argparse.ArgumentParser):
    """Flags whose errors are one sentence instead of a page of usage."""

    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(message)


def settings(argv: Sequence[str]) -> Settings:
    """The settings that flags such as `--port=8500` or `--port 8500` ask for.

    Raises:
        ConfigurationError: a flag is unknown or its value cannot be used.
    """
    parser = _parser()
    flags, unknown = parser.parse_known_args(list(argv))
    if unknown:
        raise ConfigurationError(_unknown(unknown[0], parser))
    threads = SessionThreads(
        _own_or(flags.tensorflow_intra_op_parallelism, flags.tensorflow_session_parallelism),
        _own_or(flags.tensorflow_inter_op_parallelism, flags.tensorflow_session_parallelism),
    )
    return Settings(
        port=flags.port,
        bind_address=flags.grpc_bind_address,
        models=_models(flags),
        poll_wait_s=flags.file_system_poll_wait_seconds,
        threads=threads,
        as_content=flags.enable_serialization_as_tensor_content,
        max_message_bytes=flags.grpc_max_message_bytes,
    )


def _models(flags: argparse.Namespace) -> tuple[ModelConfig, ...]:
    if flags.model_config_file and flags.model_base_path:
        raise ConfigurationError("give --model_base_path or --model_config_file, not both")
    if flags.model_config_file:
        return model_configs(Path(flags.model_config_file))
    if not flags.model_base_path:
        raise ConfigurationError("give --model_base_path=DIR or --model_config_file=FILE")
    return (ModelConfig.of(flags.model_name, flags.model_base_path),)


def _parser() -> _Flags:
    parser = _Flags(
        prog="millrace model-server",
        description="Serves SavedModels with TensorFlow Serving's gRPC API.",
        epilog="example: millrace model-server --port=8500 --model_name=fraud "
        "--model_base_path=models/fraud",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--port", type=_port, default=8500, help="gRPC port; 0 takes a free one and prints it")
    add(
        "--grpc_bind_address",
        default="127.0.0.1",
        help="address to listen on; not a flag of TensorFlow Serving, which listens everywhere: "
        "there is no authentication, so the default is this machine only",
    )
    add("--model_name", default="default", help="name of the model under --model_base_path")
    add("--model_base_path", help="directory with a directory per version, named by its number")
    add("--model_config_file", help="text-format ModelServerConfig with a list of models")
    _add_tuning(parser)
    return parser


def _add_tuning(parser: _Flags) -> None:
    add = parser.add_argument
    add(
        "--file_system_poll_wait_seconds",
        type=_seconds,
        default=0.25,
        help="seconds between two looks for new versions; 0 looks only once",
    )
    threads = "; 0 lets TensorFlow choose"
    add("--tensorflow_session_parallelism", type=_count, default=1, help="sets both" + threads)
    add("--tensorflow_intra_op_parallelism", type=_count, help="threads an operation" + threads)
    add(
        "--tensorflow_inter_op_parallelism",
        type=_count,
        help="operations at once; 1 runs them on the calling thread" + threads,
    )
    add(
        "--enable_serialization_as_tensor_content",
        type=_boolean,
        nargs="?",
        const=True,
        default=False,
        help="send outputs as tensor_content instead of the typed fields",
    )
    add(
        "--grpc_max_message_bytes",
        type=_count,
        default=256 * _MEBIBYTE,
        help="largest request; not a flag of TensorFlow Serving, whose limit is 2 GiB",
    )


def _own_or(own: int | None, common: int) -> int:
    return common if own is None else own


def _unknown(flag: str, parser: _Flags) -> str:
    name = flag.partition("=")[0]
    known = [option for action in parser._actions for option in action.option_strings]
    near = difflib.get_close_matches(name, known, n=1)
    return f"unknown flag {name}" + (f"; did you mean {near[0]}?" if near else "")


def _port(text: str) -> int:
    if not text.isdigit() or int(text) not in _PORTS:
        raise argparse.ArgumentTypeError(f"{text!r} is no port from 0 to {_PORTS[-1]}")
    return int(text)


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0")
    return seconds


def _boolean(text: str) -> bool:
    if text.lower() not in {"true", "false", "1", "0"}:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text.lower() in {"true", "1"}
