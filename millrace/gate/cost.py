"""What a candidate costs: bytes and time."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from millrace.gate.limits import MEASURED_ROWS, Limits
from millrace.gate.served import Served
from millrace.gate.subjects import Subject
from millrace.verdict import PASSED, REFUSED, Check
from millrace.version_directory import served_bytes
from udfs.client.outcomes import Failure
from udfs.errors import DataError

SIZE, LATENCY = "size", "latency"
_MIB = 1 << 20
_CALLS, _WARM_CALLS = 300, 20
_SLIGHT_MS = 1.0
"""A median that is slower by less is not called slower: the clock of a busy machine is no finer."""


def size(candidate: Subject, champion: Subject | None, max_mib: float) -> Check:
    """How large the files are that a server loads."""
    found = served_bytes(candidate.folder)
    figures = {"bytes": float(found)}
    told = f"{_told(found)}, allowed are {max_mib:g} MiB"
    if champion is not None:
        other = served_bytes(champion.folder)
        figures["champion_bytes"] = float(other)
        told += f"; {champion.name} has {_told(other)}"
    return Check(SIZE, PASSED if found <= max_mib * _MIB else REFUSED, told, figures)


def _told(count: int) -> str:
    return f"{count / _MIB:.2f} MiB" if count >= _MIB else f"{count / 1024:.0f} KiB"


def latency(
    candidate: Served, champion: Served | None, rows: NDArray[Any], limits: Limits
) -> Check:
    """Milliseconds of calls through the server, of both in turn so that both meet the same noise.

    Args:
        candidate: what is judged.
        champion: what it is compared with; None where there is no model to compare with.
        rows: feature rows (n, f) to send, repeated as needed.
        limits: thresholds, at the larger number of rows.
    """
    who = {"": candidate, **({"champion_": champion} if champion else {})}
    figures = {}
    for count in MEASURED_ROWS:
        sent = np.resize(rows, (count, rows.shape[1]))
        for name, times in _times_ms(who, sent).items():
            for percent in (50, 99):
                figures[f"{name}p{percent}_ms_{count}"] = float(np.percentile(times, percent))
    few, many = MEASURED_ROWS
    median, high = figures[f"p50_ms_{many}"], figures[f"p99_ms_{many}"]
    told = (
        f"p50 {figures[f'p50_ms_{few}']:.2f} and p99 {figures[f'p99_ms_{few}']:.2f} ms at {few} "
        f"row, {median:.2f} and {high:.2f} ms at {many}; allowed are {limits.max_latency_ms:g} ms"
    )
    refused = high > limits.max_latency_ms
    if champion:
        beside = figures[f"champion_p50_ms_{many}"]
        told += f", and {limits.max_slowdown:g} times the champion's p50 of {beside:.2f} ms"
        refused |= median > max(limits.max_slowdown * beside, beside + _SLIGHT_MS)
    return Check(LATENCY, REFUSED if refused else PASSED, told, figures)


def _times_ms(who: Mapping[str, Served], rows: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    """Milliseconds of each call, by who was asked."""
    times: dict[str, list[float]] = {name: [] for name in who}
    for call in range(_WARM_CALLS + _CALLS):
        for name, served in who.items():
            start = time.perf_counter()
            outcome, _ = served.call(rows)
            taken = time.perf_counter() - start
            if isinstance(outcome, Failure):
                raise DataError(f"a call of {len(rows)} rows failed: {outcome.message}")
            if call >= _WARM_CALLS:
                times[name].append(1_000 * taken)
    return {name: np.array(taken) for name, taken in times.items()}
