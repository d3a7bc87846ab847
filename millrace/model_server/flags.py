"""The flags, named as TensorFlow Serving's."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from millrace.model_server import flag_values as value
from millrace.model_server.model_config import TENSORFLOW
from udfs.errors import ConfigurationError
from udfs.nearest import did_you_mean

_MEBIBYTE: Final = 1 << 20
_OURS: Final = "; not a flag of TensorFlow Serving"
_NOT_HERE: Final = frozenset(
    (
        "--rest_api_num_threads --rest_api_enable_cors_support --num_load_threads "
        "--enable_per_model_batching_parameters --num_unload_threads --flush_filesystem_caches "
        "--tensorflow_session_config_file --use_alts_credentials --platform_config_file "
        "--per_process_gpu_memory_fraction --saved_model_tags --grpc_max_threads --version "
        "--remove_unused_fields_from_bundle_metagraph --prefer_tflite_model --num_tflite_pools "
        "--num_tflite_interpreters_per_pool --enable_signature_method_name_check "
        "--xla_cpu_compilation_enabled --xla_gpu_compilation_enabled --enable_profiler "
        "--thread_pool_factory_config_file --mixed_precision --skip_initialize_tpu"
    ).split()
)
"""Flags of TensorFlow Serving without a counterpart here."""


class _Parser(argparse.ArgumentParser):
    """Flags whose errors are one sentence instead of a page of usage."""

    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(message)


def parsed(argv: Sequence[str]) -> argparse.Namespace:
    """The flags' values, for `--flag=value` as for `--flag value`.

    Raises:
        ConfigurationError: a flag is unknown or its value cannot be used.
    """
    parser = _parser()
    flags, unknown = parser.parse_known_args(list(argv))
    if unknown:
        raise ConfigurationError(_unknown(unknown[0], parser))
    return flags


def _parser() -> _Parser:
    parser = _Parser(
        prog="millrace model-server",
        description="Serves models with TensorFlow Serving's API.",
        epilog="example: millrace model-server --port=8500 --model_name=fraud "
        "--model_base_path=models/fraud",
        allow_abbrev=False,
    )
    for add_group in (_add_models, _add_versions, _add_listening, _add_rest, _add_tuning):
        add_group(parser)
    return parser


def _add_models(parser: _Parser) -> None:
    add = parser.add_argument_group("models").add_argument
    add("--model_name", default="default", help="name of the model under --model_base_path")
    add("--model_base_path", help="directory with a directory per version, named by its number")
    add(
        "--model_platform",
        default=TENSORFLOW,
        help="platform of that model: tensorflow, onnxruntime, or any, which goes by the files of "
        f"each version{_OURS}",
    )
    add("--model_config_file", type=Path, help="text-format ModelServerConfig: a list of models")
    add(
        "--model_config_file_poll_wait_seconds",
        type=value.seconds,
        default=0.0,
        help="seconds between two looks at that file; 0 reads it only once",
    )
    add(
        "--model_roots",
        type=value.directories,
        default=(),
        help="directories, separated by commas, that every model has to lie in; without it, "
        f"the base paths that flags and files name{_OURS}",
    )
    _add_flag(add, "--allow_reload_config", f"take HandleReloadConfigRequest{_OURS}")


def _add_versions(parser: _Parser) -> None:
    add = parser.add_argument_group("versions").add_argument
    add(
        "--file_system_poll_wait_seconds",
        type=value.seconds,
        default=0.25,
        help="seconds between two looks for new versions; 0 looks only once",
    )
    add("--max_num_load_retries", type=value.count, default=5, help="tries after a failed load")
    add(
        "--load_retry_interval_micros",
        type=value.microseconds,
        default=60.0,
        help="microseconds between two tries; changed files are tried at once",
    )
    add(
        "--enable_model_warmup",
        type=value.boolean,
        nargs="?",
        const=True,
        default=True,
        help="run assets.extra/tf_serving_warmup_requests of a version before it is available",
    )
    add(
        "--num_request_iterations_for_warmup",
        type=value.count,
        default=1,
        help="times that each of these requests runs",
    )
    _add_flag(
        add,
        "--allow_version_labels_for_unavailable_models",
        "unused labels may go to versions that are not available yet",
    )


def _add_listening(parser: _Parser) -> None:
    add = parser.add_argument_group("gRPC").add_argument
    add("--port", type=value.port, default=8500, help="port; 0 takes a free one and prints it")
    add(
        "--grpc_bind_address",
        default="127.0.0.1",
        help="address to listen on; not a flag of TensorFlow Serving, which listens everywhere: "
        "without mutual TLS there is no authentication, so the default is this machine only",
    )
    add("--grpc_socket_path", help="path of a UNIX socket to listen on besides the port")
    add(
        "--ssl_config_file",
        type=Path,
        help="text-format SSLConfig: key and certificate; with client_verify, only clients with "
        "a certificate of custom_ca are let in",
    )
    add(
        "--grpc_channel_arguments",
        type=value.channel_arguments,
        default=(),
        help="gRPC's arguments, such as grpc.max_connection_age_ms=2000, separated by commas",
    )
    add(
        "--grpc_max_message_bytes",
        type=value.count,
        default=256 * _MEBIBYTE,
        help=f"largest request{_OURS}, whose limit is 2 GiB",
    )
    _add_flag(add, "--enable_grpc_healthcheck_service", "answer gRPC's health checks")


def _add_rest(parser: _Parser) -> None:
    add = parser.add_argument_group("REST and metrics").add_argument
    add("--rest_api_port", type=value.port, default=0, help="port of the REST API; 0 for none")
    add(
        "--rest_api_timeout_in_ms",
        type=value.count,
        default=30_000,
        help="milliseconds that a REST request may take; 0 for no limit",
    )
    add(
        "--monitoring_config_file",
        type=Path,
        help="text-format MonitoringConfig: metrics for Prometheus on the REST port",
    )


def _add_tuning(parser: _Parser) -> None:
    add = parser.add_argument_group("tuning").add_argument
    threads = "; 0 lets TensorFlow choose"
    add("--tensorflow_session_parallelism", type=value.count, default=1, help="both" + threads)
    add(
        "--tensorflow_intra_op_parallelism", type=value.count, help="threads an operation" + threads
    )
    add(
        "--tensorflow_inter_op_parallelism",
        type=value.count,
        help="operations at once; 1 runs them on the calling thread" + threads,
    )
    _add_flag(add, "--enable_batching", "run calls of different requests together")
    add(
        "--batching_parameters_file",
        type=Path,
        help="text-format BatchingParameters: sizes, times and threads of --enable_batching",
    )
    _add_flag(
        add,
        "--enable_serialization_as_tensor_content",
        "send outputs as tensor_content instead of the typed fields",
    )


def _add_flag(add: Any, name: str, help_text: str) -> None:
    add(name, type=value.boolean, nargs="?", const=True, default=False, help=help_text)


def _unknown(flag: str, parser: _Parser) -> str:
    name = flag.partition("=")[0]
    if name in _NOT_HERE:
        return f"{name} is a flag of TensorFlow Serving that this server does not have"
    known = [option for action in parser._actions for option in action.option_strings]
    hint = did_you_mean(name, known)
    return f"unknown flag {name}; {hint}" if hint else f"unknown flag {name}"
