"""Latency: from a record's append to its prediction's append, or to a committed reader."""

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks import topics
from benchmarks.assignment import Assignment
from benchmarks.lab import Lab
from benchmarks.memory import workers_pss
from benchmarks.progress import last_lines, say
from benchmarks.receipts import Receiver, Times, appended
from millrace.stack.processes import ProcessHandle, wait_until
from udfs.errors import UnavailableError

RATES = (1_000, 5_000, 20_000)
_WARM_UP_RATE = 10_000
_SETTLE_MS = 3_000
_PAUSE_S = 3.0
_DRAIN_S = 120.0
_START_S = 120.0
_WAKE = (500.0, 2.0)


@dataclass(frozen=True)
class Schedule:
    """How long what is sent.

    Attributes:
        warm_up_s: at 10,000 records/s, before anything is measured.
        measured_s: of each rate; its first seconds do not count.
        half: the last rate, half of the maximal one.
    """

    warm_up_s: float
    measured_s: float
    half: int

    def phases(self) -> list[tuple[float, float]]:
        """Rates and seconds; the pause after the warm-up is for the memory's measurement."""
        rates = [(float(rate), self.measured_s) for rate in (*RATES, self.half)]
        return [(_WARM_UP_RATE, self.warm_up_s), (0.0, _PAUSE_S), *rates]

    @property
    def settle_ms(self) -> int:
        """The beginning of each rate that does not count."""
        return min(_SETTLE_MS, int(self.measured_s * 250))


@dataclass(frozen=True)
class Percentiles:
    """Milliseconds at one rate, over `count` records; `missing` never came out in time."""

    p50: float
    p99: float
    count: int
    missing: int


@dataclass(frozen=True)
class LatencyRun:
    """What one contestant's run gave: percentiles by rate, and its Python workers' memory."""

    by_rate: dict[str, Percentiles]
    worker_bytes: list[int]

    def as_json(self) -> dict[str, object]:
        """By rate; JSON knows no infinity, so a percentile without an answer is null."""
        return {
            rate: {name: None if x == math.inf else x for name, x in asdict(found).items()}
            for rate, found in self.by_rate.items()
        }


def measure_latency(
    lab: Lab, name: str, module: str, *, exactly_once: bool, target: str, schedule: Schedule
) -> LatencyRun:
    """Lets a contestant work on a paced stream of its own."""
    raw, outputs = f"{name}.raw", topics.outputs(name)
    topics.create(lab.bootstrap_servers, [raw, *outputs])
    assignment = Assignment(
        bootstrap_servers=lab.bootstrap_servers,
        serving_target=lab.serving_target,
        raw_topics=(raw,),
        output=name,
        deployment=name,
        directory=str(lab.directory / name),
        jars=tuple(str(jar) for jar in lab.jars),
        target=target,
        parallelism=2,
        exactly_once=exactly_once,
        bounded=False,
    )
    receiver = Receiver(lab.bootstrap_servers, f"{name}.predictions", by_receipt=exactly_once)
    with lab.contestants(module, assignment) as running, receiver:
        windows, worker_bytes = _send(lab, raw, schedule, running, receiver)
    sent = appended(lab.bootstrap_servers, raw)
    topics.delete(lab.bootstrap_servers, [raw, *outputs])
    labels = [*(str(rate) for rate in RATES), "half"]
    by_rate = dict(zip(labels, percentiles(sent, receiver.times, windows), strict=True))
    for label, found in by_rate.items():
        say(f"{name} at {label}: p50 {found.p50:.0f} ms, p99 {found.p99:.0f} ms")
    return LatencyRun(by_rate, worker_bytes)


def _send(
    lab: Lab,
    raw: str,
    schedule: Schedule,
    running: Sequence[ProcessHandle],
    receiver: Receiver,
) -> tuple[list[tuple[int, int]], list[int]]:
    """Sends the schedule; returns the measured windows and the memory in the pause."""
    phases = schedule.phases()
    _wake(lab, raw, running, receiver)
    sender = _sender(lab, raw, phases)
    worker_bytes: list[int] = []
    try:
        _wait_for_windows(sender, 1, phases[0][1] + _START_S)
        wait_until(lambda: False, _PAUSE_S / 2)
        worker_bytes = [size for process in running for size in workers_pss(process.pid)]
        _wait_for_windows(sender, len(phases), sum(seconds for _, seconds in phases) + _START_S)
        sent = topics.written(lab.bootstrap_servers, raw)
        wait_until(lambda: len(receiver) >= sent, _DRAIN_S)
    finally:
        sender.stop()
    measured = _windows(sender)[-len(RATES) - 1 :]
    return [(begin + schedule.settle_ms, end) for begin, end in measured], worker_bytes


def _wake(lab: Lab, raw: str, running: Sequence[ProcessHandle], receiver: Receiver) -> None:
    """Returns once the contestant answers, so that its start counts nowhere."""
    sender = _sender(lab, raw, [_WAKE])
    try:
        wait_until(lambda: len(receiver) > 0, _START_S)
    finally:
        sender.stop()
    if not len(receiver):
        raise UnavailableError(f"no prediction came: {last_lines(running[0].log_path)}")


def _sender(lab: Lab, raw: str, phases: Sequence[tuple[float, float]]) -> ProcessHandle:
    argv = [sys.executable, "-m", "benchmarks.paced", lab.bootstrap_servers, raw]
    return lab.start(f"{raw}-{len(phases)}-phases", [*argv, json.dumps(phases)])


def _windows(sender: ProcessHandle) -> list[tuple[int, int]]:
    lines = sender.log_path.read_text().splitlines()
    return [(begin, end) for begin, end in (json.loads(x) for x in lines if x.startswith("["))]


def _wait_for_windows(sender: ProcessHandle, count: int, deadline_s: float) -> None:
    wait_until(lambda: len(_windows(sender)) >= count or not sender.alive(), deadline_s)
    if len(_windows(sender)) < count:
        raise UnavailableError(f"the paced producer ended too early: {last_lines(sender.log_path)}")


def percentiles(
    sent: Times, received: Times, windows: Sequence[tuple[int, int]]
) -> list[Percentiles]:
    """Percentiles of the records that were appended within each window.

    A prediction that came twice counts as of its first time.

    >>> found = percentiles(Times([1, 2], [10, 20]), Times([2, 1], [27, 15]), [(0, 30)])
    >>> found == [Percentiles(p50=6.0, p99=6.98, count=2, missing=0)]
    True
    """
    ids, at_ms = sent.arrays()
    answered, first = np.unique(np.array(received.ids, np.int64), return_index=True)
    answered_ms = np.array(received.at_ms, np.int64)[first]
    place = np.searchsorted(answered, ids)
    known = place < len(answered)
    known[known] = answered[place[known]] == ids[known]
    waited = np.full(len(ids), -1, np.int64)
    waited[known] = answered_ms[place[known]] - at_ms[known]
    return [_window(waited[(at_ms >= begin) & (at_ms < end)]) for begin, end in windows]


def _window(waited_ms: NDArray[np.int64]) -> Percentiles:
    """Percentiles of waits in milliseconds, (n,); -1 stands for no answer."""
    there = waited_ms[waited_ms >= 0]
    missing = len(waited_ms) - len(there)
    if not len(there):
        return Percentiles(math.inf, math.inf, 0, missing)
    p50, p99 = (round(float(x), 2) for x in np.percentile(there, (50, 99)))
    return Percentiles(p50, p99, len(there), missing)
