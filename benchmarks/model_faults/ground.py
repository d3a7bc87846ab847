"""What all faults share: a broker, and model servers with a small real model."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.progress import say
from millrace.stack.broker import Broker
from millrace.stack.jars import ensure_flink_jars
from millrace.stack.model_server import ModelServer

MODEL = "fraud"
_WORK = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ground:
    """A running broker, and a model that servers can be given.

    Attributes:
        bootstrap_servers: the broker.
        directory: scratch, removed at the end.
        jars: JARs for Flink.
    """

    bootstrap_servers: str
    directory: Path
    jars: tuple[Path, ...]

    def publish(self, place: str, version: int) -> None:
        """Puts a version of the model below a server's place, whole at once."""
        base_path = self.directory / place / "models" / MODEL
        base_path.mkdir(parents=True, exist_ok=True)
        staged = self.directory / f"staged-{place}-{version}"
        shutil.copytree(self.directory / "exported" / "1", staged)
        staged.rename(base_path / str(version))

    @contextmanager
    def model_server(self, place: str, version: int) -> Iterator[ModelServer]:
        """A model server with one version; it serves inside the block and is gone after it."""
        self.publish(place, version)
        state_dir = self.directory / place
        server = ModelServer(state_dir, model_name=MODEL, base_path=state_dir / "models")
        with server:
            server.wait_until_serving()
            yield server


@contextmanager
def open_ground() -> Iterator[Ground]:
    """A ground with everything of its own, gone after the block in whatever way it ends."""
    jars = ensure_flink_jars()
    with tempfile.TemporaryDirectory(prefix="millrace-faults-") as name:
        directory = Path(name)
        say("exporting a model, starting a broker")
        argv = [sys.executable, "-m", "benchmarks.small_model", str(directory / "exported")]
        export = subprocess.Popen(
            argv, cwd=_WORK, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        with Broker(directory, heap="512m") as broker:
            _, errors = export.communicate()
            if export.returncode:
                raise subprocess.CalledProcessError(export.returncode, argv, stderr=errors)
            yield Ground(broker.bootstrap_servers, directory, jars)
