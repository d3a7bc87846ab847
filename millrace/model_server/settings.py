"""The server's settings, from flags and the files that they name."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from millrace.model_server.batching.parameters import BatchingParameters, parameters_of_file
from millrace.model_server.flags import parsed
from millrace.model_server.grpc_listener import Listening
from millrace.model_server.model_config import ModelConfig, configs_of_file
from millrace.model_server.models import LoadRetries
from millrace.model_server.monitoring import metrics_path
from millrace.model_server.rest.listening import RestListening
from millrace.model_server.saved_model import SessionThreads
from millrace.model_server.services import WireOptions
from millrace.model_server.tls import tls_of_file
from udfs.errors import ConfigurationError


@dataclass(frozen=True)
class Settings:
    """What the server runs with.

    Attributes:
        models: the models to serve.
        listening: where and how gRPC listens.
        wire: how tensors are read and written.
        threads: threads of each model's session.
        config_file: where the models are listed; None for a single model by flags.
        config_poll_wait_s: seconds between two looks at that file; 0 reads it once only.
        poll_wait_s: seconds between two looks at the base paths; 0 looks once only.
        warm_ups: times that a version's warm-up requests run; 0 for none.
        retries: how often a failed load is repeated.
        labels_for_unavailable: unused labels may go to versions that are not available.
        batching: how calls are run together; None runs each by itself.
        roots: where models may lie; empty for the base paths that flags and files name.
        allow_reload: HandleReloadConfigRequest is taken.
        rest: where and how REST listens.
        metrics_path: the path of the metrics page; None for none.
    """

    models: tuple[ModelConfig, ...]
    listening: Listening
    wire: WireOptions
    threads: SessionThreads
    config_file: Path | None
    config_poll_wait_s: float
    poll_wait_s: float
    warm_ups: int
    retries: LoadRetries
    labels_for_unavailable: bool
    batching: BatchingParameters | None
    roots: tuple[Path, ...]
    allow_reload: bool
    rest: RestListening
    metrics_path: str | None


def settings(argv: Sequence[str]) -> Settings:
    """The settings that flags such as `--port=8500` or `--port 8500` ask for.

    Raises:
        ConfigurationError: a flag is unknown, or it or its file cannot be used.
    """
    flags = parsed(argv)
    return Settings(
        models=_models(flags),
        listening=_listening(flags),
        wire=WireOptions(
            flags.enable_serialization_as_tensor_content, flags.grpc_max_message_bytes
        ),
        threads=SessionThreads(
            _own_or(flags.tensorflow_intra_op_parallelism, flags.tensorflow_session_parallelism),
            _own_or(flags.tensorflow_inter_op_parallelism, flags.tensorflow_session_parallelism),
        ),
        config_file=flags.model_config_file,
        config_poll_wait_s=flags.model_config_file_poll_wait_seconds,
        poll_wait_s=flags.file_system_poll_wait_seconds,
        warm_ups=max(flags.num_request_iterations_for_warmup, 1) * flags.enable_model_warmup,
        retries=LoadRetries(flags.max_num_load_retries, flags.load_retry_interval_micros),
        labels_for_unavailable=flags.allow_version_labels_for_unavailable_models,
        batching=_batching(flags),
        roots=flags.model_roots,
        allow_reload=flags.allow_reload_config,
        rest=_rest(flags),
        metrics_path=_metrics_path(flags),
    )


def _models(flags: argparse.Namespace) -> tuple[ModelConfig, ...]:
    if flags.model_config_file and flags.model_base_path:
        raise ConfigurationError("give --model_base_path or --model_config_file, not both")
    if flags.model_config_file:
        return configs_of_file(flags.model_config_file)
    if not flags.model_base_path:
        raise ConfigurationError("give --model_base_path=DIR or --model_config_file=FILE")
    base_path = Path(os.path.abspath(flags.model_base_path))
    return (ModelConfig(flags.model_name, base_path, flags.model_platform).checked(),)


def _batching(flags: argparse.Namespace) -> BatchingParameters | None:
    file = flags.batching_parameters_file
    if file and not flags.enable_batching:
        raise ConfigurationError("--batching_parameters_file needs --enable_batching")
    if not flags.enable_batching:
        return None
    return parameters_of_file(file) if file else BatchingParameters()


def _listening(flags: argparse.Namespace) -> Listening:
    return Listening(
        port=flags.port,
        bind_address=flags.grpc_bind_address,
        socket_path=flags.grpc_socket_path,
        channel_arguments=flags.grpc_channel_arguments,
        max_message_bytes=flags.grpc_max_message_bytes,
        tls=tls_of_file(flags.ssl_config_file) if flags.ssl_config_file else None,
        health=flags.enable_grpc_healthcheck_service,
    )


def _rest(flags: argparse.Namespace) -> RestListening:
    if flags.rest_api_port and flags.rest_api_port == flags.port:
        raise ConfigurationError("--port and --rest_api_port have to differ")
    return RestListening(
        port=flags.rest_api_port,
        bind_address=flags.grpc_bind_address,
        timeout_s=flags.rest_api_timeout_in_ms / 1000 or None,
        max_body_bytes=flags.grpc_max_message_bytes,
    )


def _metrics_path(flags: argparse.Namespace) -> str | None:
    path = metrics_path(flags.monitoring_config_file)
    if path and not flags.rest_api_port:
        raise ConfigurationError("metrics are served on the REST port: give --rest_api_port")
    return path


def _own_or(own: int | None, common: int) -> int:
    return common if own is None else own
