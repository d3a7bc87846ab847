"""The model server as a process of this machine: TensorFlow Serving's API without its container."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from millrace.stack.ports import HOST, answers, free_ports
from millrace.stack.processes import ProcessHandle, start, wait_until
from udfs.errors import EnvironmentFault

USUAL_PORT = 8500
_READY_DEADLINE_S = 60.0


class ModelServer:
    """A model server process; it opens its port once a first version of the model is loaded.

    Until then, and without any model, callers get a refused connection and their rule answers.

    Attributes:
        port: its gRPC port, on 127.0.0.1 only.
        process: the running process; None before `start`.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        model_name: str,
        base_path: Path,
        port: int = 0,
        dies_with_owner: bool = True,
        on_start: Callable[[ProcessHandle], None] = lambda _: None,
    ) -> None:
        """Chooses the port; starts nothing.

        Args:
            state_dir: its log goes under `serving/` in it.
            model_name: the model that it serves.
            base_path: directory of the models; versions lie in `base_path/model_name/<number>`.
            port: preferred port, another one is taken when it is not free; 0: any free one.
            dies_with_owner: the server ends when this process dies, in whatever way.
            on_start: told the process as soon as it has an id.
        """
        self.state_dir = state_dir.resolve()
        (self.port,) = free_ports(port)
        self.process: ProcessHandle | None = None
        self._model_name = model_name
        self._base_path = base_path.resolve() / model_name
        self._dies_with_owner = dies_with_owner
        self._on_start = on_start

    @property
    def target(self) -> str:
        """Address for gRPC clients, `host:port`."""
        return f"{HOST}:{self.port}"

    @property
    def log_path(self) -> Path:
        """What the server prints."""
        return self.state_dir / "serving" / "model-server.log"

    def __enter__(self) -> "ModelServer":
        """Starts the server, without waiting for a model."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops the server."""
        self.stop()

    def start(self) -> "ModelServer":
        """Starts the server and returns at once."""
        # The base path has to be there before the first version is published into it.
        self._base_path.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "-m", "millrace.model_server", f"--port={self.port}"]
        argv += [f"--model_name={self._model_name}", f"--model_base_path={self._base_path}"]
        argv.append("--model_platform=any")
        self.process = start(
            "model server", argv, log_path=self.log_path, dies_with_owner=self._dies_with_owner
        )
        self._on_start(self.process)
        return self

    def wait_until_serving(self, deadline_s: float = _READY_DEADLINE_S) -> None:
        """Returns once a version is loaded and the port is open.

        Raises:
            EnvironmentFault: the server ended, or no version was loaded in time.
        """
        process = self.process
        wait_until(lambda: process is None or not process.alive() or answers(self.port), deadline_s)
        if process is None or not process.alive():
            reason = process.reason() if process else "it was not started"
            raise EnvironmentFault(f"the model server ended (log: {self.log_path}): {reason}")
        if not answers(self.port):
            raise EnvironmentFault(
                f"the model server loaded no version of {self._model_name} within "
                f"{deadline_s:.0f} s (log: {self.log_path})"
            )

    def stop(self, deadline_s: float = 10.0) -> None:
        """Stops the server cleanly, or by force after the deadline."""
        if self.process is not None:
            self.process.stop(deadline_s)
            self.process = None
