"""A score job under load, and what Flink says about it."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from benchmarks import topics
from benchmarks.model_faults.ground import Ground
from benchmarks.model_faults.load import Load
from benchmarks.progress import say
from benchmarks.reading import chunks
from jobs.score import ScoreOptions, build
from jobs.targets import TARGETS
from millrace.stack.ports import HOST, free_ports
from millrace.stack.processes import wait_until
from udfs import metrics
from udfs.client.breaker import BreakerState
from udfs.errors import UnavailableError

CHECKPOINT_MS = 2_000
_READY_S = 120.0
_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Reading:
    """The job's numbers at a moment.

    Attributes:
        at_ms: the moment, UTC milliseconds.
        calls: calls that were asked for, of all workers.
        attempts: calls that were sent.
        retries: attempts after the first.
        checkpoints: completed so far.
        failed_checkpoints: given up so far.
    """

    at_ms: int
    calls: int
    attempts: int
    retries: int
    checkpoints: int
    failed_checkpoints: int


class WatchedJob:
    """A running job in this process's mini-cluster.

    Attributes:
        name: prefix of its topics.
        deadline_ms: of its model calls.
        load: what is sent to it.
    """

    def __init__(self, name: str, client: Any, rest: str, deadline_ms: int, load: Load) -> None:
        self.name = name
        self.deadline_ms = deadline_ms
        self.load = load
        self._client = client
        self._job = f"{rest}/jobs/{client.get_job_id()}"

    def reading(self) -> Reading:
        """The job's numbers now."""
        counts = _asked(f"{self._job}/checkpoints")["counts"]
        names = metrics.CALLS, metrics.ATTEMPTS, metrics.RETRIES
        calls, attempts, retries = self._gauges("sum", *names)
        completed, failed = counts["completed"], counts["failed"]
        return Reading(now_ms(), calls, attempts, retries, completed, failed)

    def restarts(self) -> int:
        """How often Flink restarted the job."""
        return int(float(_asked(f"{self._job}/metrics?get=numRestarts")[0]["value"]))

    def most_in_flight(self) -> int:
        """The largest number of calls in flight of a worker."""
        return self._gauges("max", metrics.MOST_IN_FLIGHT)[0]

    def longest_call_ms(self) -> float:
        """The longest call of all workers."""
        return self._gauges("max", metrics.LONGEST_US)[0] / 1000

    def breaker(self, target: str) -> BreakerState:
        """The state of an endpoint's breakers, that of the one furthest from closed."""
        return BreakerState(self._of_endpoints("max", [target], metrics.BREAKER_STATE)[0])

    def finish(self, deadline_s: float = 90.0) -> None:
        """Stops the load and returns when all that was sent has come out.

        Raises:
            UnavailableError: it did not, before the deadline.
        """
        self.load.stop()
        wait_until(lambda: self._came_out() >= self.load.sent, deadline_s)

    def _came_out(self) -> int:
        servers = self.servers
        found = (
            chunks(servers, f"{self.name}.{stage}") for stage in ("predictions", "dead-letters")
        )
        return sum(len(messages) for each in found for messages in each)

    @property
    def servers(self) -> str:
        """The broker."""
        return self.load.bootstrap_servers

    def cancel(self) -> None:
        """Ends the job."""
        self._client.cancel().result()

    def sent_to(self, targets: Sequence[str], over_workers: str = "sum") -> list[int]:
        """Calls that the workers sent to each endpoint, at one moment."""
        return self._of_endpoints(over_workers, targets, metrics.ENDPOINT_ATTEMPTS)

    def _of_endpoints(self, over_workers: str, targets: Sequence[str], name: str) -> list[int]:
        # Flink keeps letters, digits and little else in the names of groups.
        ports = [target.rpartition(":")[2] for target in targets]
        return self._gauges(over_workers, *(f"{port}.{name}" for port in ports), dotted=False)

    def _gauges(self, over_workers: str, *names: str, dotted: bool = True) -> list[int]:
        """Gauges of the workers, summed or the largest, by the ends of their names.

        Those of an operator are asked for at once, so that one is not newer than another.
        """
        found = [0] * len(names)
        for vertex in _asked(self._job)["vertices"]:
            subtasks = f"{self._job}/vertices/{vertex['id']}/subtasks/metrics"
            ids = [entry["id"] for entry in _asked(subtasks)]
            places = {
                each: place
                for place, name in enumerate(names)
                for each in ids
                if each.endswith(f".{name}" if dotted else name)
            }
            if not places:
                continue
            for entry in _asked(f"{subtasks}?get={','.join(places)}&agg={over_workers}"):
                place = places[entry["id"]]
                found[place] = max(found[place], int(entry[over_workers]))
        return found


@contextmanager
def watched(
    ground: Ground,
    name: str,
    targets: str,
    *,
    deadline_ms: int = 500,
    checkpoint_ms: int = CHECKPOINT_MS,
    rate: int,
    seed: int,
) -> Iterator[WatchedJob]:
    """A job that calls the model servers at `targets`, from its first answers on."""
    stages = ("raw", "predictions", "dead-letters", "features")
    topics.create(ground.bootstrap_servers, [f"{name}.{stage}" for stage in stages])
    (port,) = free_ports(0)
    options = ScoreOptions(
        # One key a record: what is looked at here is the model server.
        use_case="udfs.use_cases.fraud:FRAUD_BY_CUSTOMER",
        name=name,
        bootstrap_servers=ground.bootstrap_servers,
        serving_target=targets,
        checkpoint_dir=(ground.directory / "checkpoints" / name).as_uri(),
        deployment=name,
        target=replace(TARGETS["balanced"], checkpoint_interval_ms=checkpoint_ms),
        deadline_ms=deadline_ms,
        flink={"rest.bind-port": str(port), "metrics.fetcher.update-interval": "200"},
    )
    say(f"{name}: starting the job")
    with Load(ground.bootstrap_servers, f"{name}.raw", rate=rate, seed=seed) as load:
        client = build(options, ground.jars).execute_async(options.job_name)
        job = WatchedJob(name, client, f"http://{HOST}:{port}", deadline_ms, load)
        try:
            until(lambda: job.reading().checkpoints >= 1 and job.reading().calls > 0, "it runs")
            yield job
        finally:
            job.cancel()


def until(condition: Callable[[], bool], what: str, deadline_s: float = _READY_S) -> None:
    """Returns once the condition holds.

    Raises:
        UnavailableError: it does not before the deadline.
    """
    wait_until(condition, deadline_s)
    if not condition():
        raise UnavailableError(f"not within {deadline_s:.0f} s: {what}")


def now_ms() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


def _asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as reply:
        return json.load(reply)
