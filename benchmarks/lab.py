"""The ground on which all contestants run: one broker and one model server on this machine."""

import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks import topics
from benchmarks.assignment import Assignment
from benchmarks.progress import last_lines, say
from benchmarks.raw_records import every_label_of, labels_of
from millrace.stack.broker import Broker
from millrace.stack.jars import ensure_flink_jars
from millrace.stack.ports import HOST, answers, free_ports
from millrace.stack.processes import ProcessHandle, start, wait_until
from udfs.errors import EnvironmentFault

_MODEL_SERVER_DEADLINE_S = 120.0
_WORK = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Lab:
    """A running broker and model server.

    Attributes:
        bootstrap_servers: the broker.
        serving_target: the model server.
        directory: scratch, removed at the end.
        jars: JARs for Flink.
    """

    bootstrap_servers: str
    serving_target: str
    directory: Path
    jars: tuple[Path, ...]

    def start(self, name: str, argv: Sequence[str]) -> ProcessHandle:
        """Starts a process that ends with this one at the latest."""
        return start(name, argv, log_path=self.directory / "logs" / f"{name}.log", cwd=_WORK)

    def write_raw(self, topic: str, count: int, customers: int, *, labels: bool = False) -> None:
        """Creates a raw topic and fills it, and its two topics of labels when asked."""
        say(f"writing {count:,} records of {customers:,} customers to {topic}")
        beside = [labels_of(topic), every_label_of(topic)] if labels else []
        topics.create(self.bootstrap_servers, [topic, *beside])
        told = "labels" if labels else "none"
        argv = [self.bootstrap_servers, topic, str(count), str(customers), told]
        subprocess.run([sys.executable, "-m", "benchmarks.raw_records", *argv], check=True)

    def write_generated(self, topic: str, count: int, use_case: str) -> None:
        """Creates a raw topic and fills it with what the use case's generator makes."""
        say(f"writing {count:,} records of {use_case} to {topic}")
        topics.create(self.bootstrap_servers, [topic])
        argv = [self.bootstrap_servers, topic, use_case, str(count)]
        subprocess.run([sys.executable, "-m", "benchmarks.generated_records", *argv], check=True)

    @contextmanager
    def contestants(self, module: str, assignment: Assignment) -> Iterator[list[ProcessHandle]]:
        """Processes of a contestant, up inside the block and gone after it."""
        running: list[ProcessHandle] = []
        try:
            for number in range(assignment.processes):
                part = msgspec.structs.replace(assignment, process=number)
                name = f"{assignment.deployment}-{number}"
                running.append(self.start(name, part.command(module)))
            yield running
        finally:
            for process in running:
                process.stop()


@contextmanager
def open_lab(use_cases: Collection[str] = ()) -> Iterator[Lab]:
    """A lab with everything of its own, gone after the block in whatever way it ends.

    Args:
        use_cases: whose models are served beside the one of fraud, which always is.
    """
    jars = ensure_flink_jars()
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as name:
        directory = Path(name)
        say("starting a broker")
        with Broker(directory, heap="2g") as broker:
            server, target = _model_server(directory, use_cases)
            try:
                yield Lab(broker.bootstrap_servers, target, directory, jars)
            finally:
                server.stop()


def _model_server(directory: Path, use_cases: Collection[str]) -> tuple[ProcessHandle, str]:
    say("starting a model server")
    config, (port,) = _models(directory / "models", use_cases), free_ports(0)
    argv = [sys.executable, "-m", "millrace.model_server", f"--port={port}"]
    argv += [f"--model_config_file={config}"]
    server = start("model server", argv, log_path=directory / "logs" / "serving.log", cwd=_WORK)
    wait_until(lambda: answers(port) or not server.alive(), _MODEL_SERVER_DEADLINE_S)
    if not answers(port):
        server.stop()
        raise EnvironmentFault(f"the model server did not start: {last_lines(server.log_path)}")
    return server, f"{HOST}:{port}"


def _models(base: Path, use_cases: Collection[str]) -> Path:
    """Makes the models, and a configuration of the model server that names them."""
    makers: list[tuple[str, ...]] = [("small_model", str(base / "fraud"))]
    makers += [("generated_models", str(base), *use_cases)] if use_cases else []
    for module, *arguments in makers:
        argv = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
        subprocess.run(argv, check=True, capture_output=True, cwd=_WORK)
    entries = (
        f'config {{ name: "{name}" base_path: "{base / name}" model_platform: "tensorflow" }}'
        for name in ("fraud", *use_cases)
    )
    file = base / "models.config"
    file.write_text(f"model_config_list {{ {' '.join(entries)} }}")
    return file
