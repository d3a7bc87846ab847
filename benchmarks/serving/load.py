"""Concurrent callers of a server.

`python -m benchmarks.serving.load TARGET SERVER_PID SECONDS WIDTH CELL ...` prints a
JSON list. A cell is ROWSxCALLERS, WIDTH the number of features.
Requests are encoded once and replies are looked at once: the server is what is measured.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc.aio
import numpy as np

from benchmarks.serving.rows import checksum, features
from udfs.client import tensors, wire

_WARM_UP_CALLS = 100
_DEADLINE_S = 10.0
_TICKS = os.sysconf("SC_CLK_TCK")


def _request(rows: int, width: int) -> bytes:
    request = wire.PredictRequest()
    request.model_spec.name = "fraud"
    request.model_spec.signature_name = "serving_default"
    tensors.encode(features(rows, width), request.inputs["features"])
    message: bytes = request.SerializeToString()
    return message


def _checksum(reply: bytes) -> float:
    return checksum(tensors.decode(wire.PredictResponse.FromString(reply).outputs["score"]))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def _called(
    call: Any, message: bytes, callers: int, seconds: float, pid: int
) -> dict[str, float]:
    for _ in range(_WARM_UP_CALLS):
        reply = await call(message, timeout=_DEADLINE_S)
    took: list[float] = []
    start, cpu_s, own_s = time.perf_counter(), _cpu_s(pid), time.process_time()

    async def caller() -> None:
        while (before := time.perf_counter()) - start < seconds:
            await call(message, timeout=_DEADLINE_S)
            took.append(time.perf_counter() - before)

    await asyncio.gather(*[caller() for _ in range(callers)])
    elapsed, calls = time.perf_counter() - start, len(took)
    p50, p99 = np.percentile(took, [50, 99]) * 1e3
    return {
        "callers": callers,
        "calls": calls / elapsed,
        "p50_ms": float(p50),
        "p99_ms": float(p99),
        "server_us": (_cpu_s(pid) - cpu_s) / calls * 1e6,
        "client_us": (time.process_time() - own_s) / calls * 1e6,
        "checksum": _checksum(reply),
    }


async def measure(
    target: str, pid: int, seconds: float, width: int, cells: Sequence[tuple[int, int]]
) -> list[dict[str, float]]:
    """Calls a second, latencies and processor time, by (rows, callers)."""
    async with grpc.aio.insecure_channel(target) as channel:
        raw: Any = channel.unary_unary
        call = raw(wire.PREDICT)
        return [
            {"rows": rows} | await _called(call, _request(rows, width), callers, seconds, pid)
            for rows, callers in cells
        ]


def _cell(text: str) -> tuple[int, int]:
    rows, callers = text.split("x")
    return int(rows), int(callers)


if __name__ == "__main__":
    _, address, server, duration, features_a_row, *texts = sys.argv
    measured = measure(
        address, int(server), float(duration), int(features_a_row), [_cell(text) for text in texts]
    )
    print(json.dumps(asyncio.run(measured)))
