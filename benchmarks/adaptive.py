"""Adaptive batching beside fixed settings: `python -m benchmarks.adaptive`, `make bench-adaptive`.

For three model costs: rows a second, and the latency of nearly all calls, for a grid of fixed
settings (rows a call, calls in flight) and for the search that `serving.adaptive` makes, on a real
model server. The callers have blocks of the throughput target in as many coroutines as its
bundles hold. The best fixed setting is the one with the highest rate of those that keep the
objective; it and the search are then measured again in turn, since the machine's speed changes.

A table for people, then one JSON object as the last line of standard output; progress goes to
standard error. The exit status is not 0 when something could not be measured or calls failed.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.adaptive_models import WIDTHS
from benchmarks.adaptive_report import Measured, Result, show
from benchmarks.interruption import INTERRUPTED
from benchmarks.progress import say
from jobs.targets import TARGETS
from millrace.stack.model_server import ModelServer
from udfs.client.batching import AdaptiveBatching
from udfs.client.limits import Limits, Search
from udfs.client.outcomes import Answer, Outcome
from udfs.client.predict import PredictionClient
from udfs.errors import MillraceError, UnavailableError

GRID = tuple(Limits(rows, calls) for rows in (64, 256, 1024, 4096, 8192) for calls in (1, 2, 4, 8))
_INPUTS = 9
_DEADLINE_S = 30.0
_QUANTILE = 95
_BROKEN_OFF = 4
_WORK = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Times:
    """Seconds of each part.

    Attributes:
        fixed_s: of a fixed setting.
        search_s: that the search has before it is measured.
        turn_s: of each turn of the two.
        turns: how many.
    """

    fixed_s: float
    search_s: float
    turn_s: float
    turns: int


class _TimedClient(PredictionClient):
    """Keeps how long each call took."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.seconds: list[float] = []

    async def predict(self, *args: Any, **kwargs: Any) -> Outcome:
        """The answer."""
        begin = time.perf_counter()
        outcome = await super().predict(*args, **kwargs)
        self.seconds.append(time.perf_counter() - begin)
        return outcome


class Bench:
    """Blocks without end for one model server."""

    def __init__(self, target: str) -> None:
        throughput = TARGETS["throughput"]
        self._client = _TimedClient(target)
        self._callers = throughput.bundle_blocks
        draw = np.random.default_rng(1)
        self._block = draw.random((throughput.block_records, _INPUTS), dtype=np.float32)

    def batching(self, search: Search) -> AdaptiveBatching:
        """What is measured."""
        return AdaptiveBatching(self._client, "fraud", "serving_default", search)

    async def measured(self, batching: AdaptiveBatching, seconds: float) -> Measured:
        """The setting under load, for so long."""
        self._client.seconds.clear()
        begin = time.perf_counter()
        end = begin + seconds
        rows = await asyncio.gather(*(self._caller(batching, end) for _ in range(self._callers)))
        rate = sum(rows) / (time.perf_counter() - begin)
        p95_ms = float(np.percentile(self._client.seconds, _QUANTILE)) * 1000
        return Measured(batching.limits, round(rate), round(p95_ms, 2))

    async def close(self) -> None:
        """Closes the client."""
        await self._client.close()

    async def _caller(self, batching: AdaptiveBatching, end: float) -> int:
        rows = 0
        while time.perf_counter() < end:
            parts = await batching.ask({"features": self._block}, deadline_s=_DEADLINE_S)
            rows += sum(_answered(part.outcome, part.end - part.begin) for part in parts)
        return rows


def _answered(outcome: Outcome, rows: int) -> int:
    if not isinstance(outcome, Answer):
        raise UnavailableError(f"a call failed: {outcome.message}")
    scores: NDArray[Any] = outcome.outputs["score"]
    if scores.shape != (rows,):
        raise UnavailableError(f"an answer has shape {scores.shape} for {rows} rows")
    return rows


def fixed(limits: Limits, objective_s: float) -> Search:
    """A search that cannot go anywhere."""
    return Search(objective_s, first=limits, least=limits, most=limits)


async def measure(target: str, objective_s: float, times: Times) -> Result:
    """All settings for one model."""
    bench = Bench(target)
    throughput = TARGETS["throughput"]
    # The first calls load the graph and open the connection.
    whole = bench.batching(fixed(Limits(throughput.block_records, throughput.bundle_blocks), 1e9))
    await bench.measured(whole, 1.0)
    grid = [await bench.measured(bench.batching(fixed(at, 1.0)), times.fixed_s) for at in GRID]
    within = [m for m in grid if m.p95_ms <= objective_s * 1000]
    at = max(within or grid, key=lambda m: m.rows_s if within else -m.p95_ms).limits
    say(f"best fixed: {at.rows} rows, {at.calls} calls; searching")
    best, adaptive = bench.batching(fixed(at, objective_s)), bench.batching(Search(objective_s))
    await bench.measured(adaptive, times.search_s)
    turns: dict[AdaptiveBatching, list[Measured]] = {best: [], adaptive: []}
    for _ in range(times.turns):
        for batching, found in turns.items():
            found.append(await bench.measured(batching, times.turn_s))
    found_whole = await bench.measured(whole, times.turn_s)
    await bench.close()
    return Result(grid, turns[best], turns[adaptive], found_whole)


def measure_all(objective_s: float, times: Times) -> dict[str, Result]:
    """All settings for all costs."""
    results = {}
    with tempfile.TemporaryDirectory(prefix="millrace-adaptive-") as name:
        say("exporting the models")
        argv = [sys.executable, "-m", "benchmarks.adaptive_models", name]
        subprocess.run(argv, cwd=_WORK, check=True, stdout=subprocess.DEVNULL)
        for cost in WIDTHS:
            say(f"{cost} model: the grid")
            place = Path(name) / cost
            with ModelServer(place, model_name="fraud", base_path=place) as server:
                server.wait_until_serving()
                results[cost] = asyncio.run(measure(server.target, objective_s, times))
    return results


def main(argv: Sequence[str]) -> int:
    """Measures and prints; the exit status."""
    given = _parser().parse_args(argv)
    times = Times(0.2, 2.0, 0.5, 1) if given.quick else Times(1.2, 15.0, 3.0, 3)
    try:
        results = measure_all(given.objective_ms / 1000, times)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (MillraceError, subprocess.CalledProcessError, OSError) as error:
        print(f"bench-adaptive: broken off: {error}", file=sys.stderr)
        return _BROKEN_OFF
    show(results, Console(width=100), given.objective_ms)
    models = {cost: result.as_json() for cost, result in results.items()}
    print(json.dumps({"objective_ms": given.objective_ms, "models": models}))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.adaptive",
        description="Adaptive batching beside fixed settings; the last line is JSON.",
        epilog="example: python -m benchmarks.adaptive --objective-ms 20 --quick",
    )
    parser.add_argument("--objective-ms", type=float, default=50.0, help="latency of nearly all")
    parser.add_argument("--quick", action="store_true", help="short times: does it all work?")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
