"""Starts the model server of this repository with the suite's models, unless another is named."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from millrace.stack.ports import free_ports
from tests.contract.conformance import models
from tests.contract.conformance.target import Target
from tests.contract.conformance.waiting import until

GRPC, REST, MODELS, SERVED_MODELS = (
    f"MILLRACE_CONFORMANCE_{name}" for name in ("GRPC", "REST", "MODELS", "SERVED_MODELS")
)
_END_S: Final = 20.0


@contextmanager
def target_from_environment() -> Iterator[Target]:
    """The server that the environment names, or one that runs inside the block.

    Raises:
        KeyError: the environment names gRPC's address, but not all of the rest.
    """
    if GRPC not in os.environ:
        with TemporaryDirectory(prefix="conformance-") as folder, _started(Path(folder)) as target:
            yield target
        return
    folder = os.environ[MODELS]
    yield Target(
        os.environ[GRPC],
        os.environ[REST],
        Path(folder),
        Path(os.environ.get(SERVED_MODELS) or folder),
    )


@contextmanager
def _started(folder: Path) -> Iterator[Target]:
    models.write(folder)
    port, rest_port = free_ports(8500, 8501)
    argv = [sys.executable, "-m", "millrace.model_server", *flags(folder, port, rest_port)]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(argv, stdout=log, stderr=log) as process,
    ):
        try:
            _wait(process, folder / "log")
            yield Target(f"127.0.0.1:{port}", f"127.0.0.1:{rest_port}", folder, folder)
            process.send_signal(signal.SIGTERM)
            assert process.wait(_END_S) == 0, (folder / "log").read_text()
        finally:
            process.kill()


def flags(folder: Path, port: int, rest_port: int) -> list[str]:
    """Flags that serve the suite's models; the last one is this server's own."""
    return [
        f"--port={port}",
        f"--rest_api_port={rest_port}",
        f"--model_config_file={folder / 'models.config'}",
        f"--monitoring_config_file={folder / 'monitoring.config'}",
        "--allow_version_labels_for_unavailable_models=true",
        "--allow_reload_config",
    ]


def _wait(process: "subprocess.Popen[bytes]", log: Path) -> None:
    def listening() -> bool:
        text = log.read_text()
        if process.poll() is not None:
            raise AssertionError(f"the server ended: {text}")
        return "listening on " in text

    until(listening)
