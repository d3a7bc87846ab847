"""`make bench-serving`: the model server beside its session, called directly in a process."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.interruption import INTERRUPTED
from benchmarks.progress import last_lines, say
from benchmarks.serving.report import ModelFigures, ServingReport
from benchmarks.serving.rows import SIZES
from millrace.stack.ports import HOST, answers, free_ports
from millrace.stack.processes import ProcessHandle, start, wait_until
from udfs.errors import EnvironmentFault, MillraceError

_CALLERS = (1, 4, 16)
_MANY = 64
_START_S = 60.0
_TREES_WIDTH, _NETWORK_WIDTH = 15, 9
# A batch as soon as a thread is free, of at most as many rows as there are callers.
_BATCHING = "max_batch_size { value: 64 } batch_timeout_micros { value: 0 }"


class _Bench:
    """One model, a core for the server and one for the client."""

    def __init__(self, folder: Path, seconds: float, width: int) -> None:
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:  # noqa: PLR2004
            raise EnvironmentFault("server and client need a core each; this machine has one")
        self._server_core, self._client_core = cores[:2]
        self._folder = folder
        self._seconds = seconds
        self._width = str(width)

    def direct(self) -> dict[str, dict[str, float]]:
        """The session called in a process, on the server's core."""
        found: dict[str, dict[str, float]] = json.loads(
            self._module(
                self._server_core,
                "benchmarks.serving.direct",
                str(self._folder / "fraud" / "1"),
                str(self._seconds),
                self._width,
            )
        )
        return found

    def served(self, cells: Sequence[tuple[int, int]], *flags: str) -> list[dict[str, Any]]:
        """A server with these flags, called with (rows, callers)."""
        texts = [f"{rows}x{callers}" for rows, callers in cells]
        with self._server(*flags) as (server, target):
            output = self._module(
                self._client_core,
                "benchmarks.serving.load",
                *(target, str(server.pid), str(self._seconds), self._width, *texts),
            )
        found: list[dict[str, Any]] = json.loads(output)
        return found

    def batching_file(self) -> Path:
        """The parameters of the server that batches."""
        file = self._folder / "batching.config"
        file.write_text(_BATCHING)
        return file

    @contextmanager
    def _server(self, *flags: str) -> Iterator[tuple[ProcessHandle, str]]:
        (port,) = free_ports(0)
        log = self._folder / "logs" / "server.log"
        argv = [sys.executable, "-m", "benchmarks.serving.pinned", str(self._server_core)]
        argv += ["millrace.model_server", f"--port={port}", "--model_name=fraud"]
        argv += [f"--model_base_path={self._folder / 'fraud'}", *flags]
        server = start("model server", argv, log_path=log)
        try:
            wait_until(lambda: not server.alive() or answers(port), _START_S)
            if not answers(port):
                raise EnvironmentFault(f"the model server does not answer: {last_lines(log)}")
            yield server, f"{HOST}:{port}"
        finally:
            server.stop(10.0)

    @staticmethod
    def _module(core: int, module: str, *arguments: str) -> str:
        argv = [sys.executable, "-m", "benchmarks.serving.pinned", str(core), module, *arguments]
        ended = subprocess.run(argv, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise EnvironmentFault(f"{module} broke off: {ended.stderr.strip()[-500:]}")
        return ended.stdout


def measure(seconds: float) -> ServingReport:
    """Everything, with so many seconds for each figure."""
    return ServingReport(
        trees=_figures("benchmarks.trees_model", _TREES_WIDTH, seconds),
        network=_figures("benchmarks.small_model", _NETWORK_WIDTH, seconds),
    )


def _figures(module: str, width: int, seconds: float) -> ModelFigures:
    with tempfile.TemporaryDirectory(prefix="millrace-serving-") as name:
        folder = Path(name)
        say(f"writing the model of {module}")
        export = [sys.executable, "-m", module, str(folder / "fraud")]
        exported = subprocess.run(export, check=False, capture_output=True, text=True)
        if exported.returncode:
            raise EnvironmentFault(f"{module} broke off: {exported.stderr.strip()[-500:]}")
        bench = _Bench(folder, seconds, width)
        say("the session, called directly")
        direct = bench.direct()
        say("the server")
        cells = [(rows, callers) for rows in SIZES for callers in _CALLERS]
        served = bench.served([*cells, (1, _MANY)])
        say("the server with batching")
        file = bench.batching_file()
        flags = ("--enable_batching", f"--batching_parameters_file={file}")
        batched = bench.served([(1, 1), (1, _MANY)], *flags)
        return ModelFigures(direct, served, batched)


def main(argv: Sequence[str]) -> int:
    """Runs the benchmark; the exit status is 0 unless something could not be measured."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving",
        description="Rates and latencies of the model server; the last line is JSON.",
        epilog="example: make bench-serving ARGS='--seconds 2'",
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="for each figure; default 5")
    given = parser.parse_args(argv)
    try:
        report = measure(given.seconds)
    except KeyboardInterrupt:
        say("interrupted; everything is stopped")
        return INTERRUPTED
    except MillraceError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    report.show(Console(width=100))
    print(json.dumps(report.as_json()), flush=True)
    return 0 if report.answers_agree() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
