"""A job on the cluster, submitted by the command that users type, and watched while it runs."""

import http.client
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient

from benchmarks.lab import Lab
from millrace.stack.flink import FlinkCluster
from millrace.stack.processes import ProcessHandle, start, wait_until
from udfs.errors import MillraceError, UnavailableError

PARTITIONS, PARALLELISM = 4, 2
CHECKPOINT_MS = 2_000
_DEADLINE_MS = 5_000
_SUBMITTED_DEADLINE_S = 180.0
_ASK_TIMEOUT_S = 10.0
_WORK = Path(__file__).resolve().parents[2]


class NotMeasured(MillraceError):
    """The job went another way than the measurement needs."""


@dataclass(frozen=True)
class Checkpoints:
    """What Flink says of a job's checkpoints, times in UTC milliseconds.

    Attributes:
        restored: how often the job went back to one.
        restored_at_ms: when it last did; 0 if never.
        completed_ms: completion times by trigger time, of the newest ones.
    """

    restored: int
    restored_at_ms: int
    completed_ms: Mapping[int, int]

    def since_restore(self) -> list[int]:
        """Completion times of those triggered since the job last went back, ascending.

        >>> Checkpoints(1, 50, {40: 60, 70: 80}).since_restore()
        [80]
        """
        later = (done for begun, done in self.completed_ms.items() if begun > self.restored_at_ms)
        return sorted(later)


class Job:
    """A submitted job.

    Attributes:
        name: prefix of its topics.
        deployment: consumer group of its source.
    """

    def __init__(self, lab: Lab, cluster: FlinkCluster, name: str, client: ProcessHandle) -> None:
        self.name = name
        self.deployment = f"millrace-{name}-once"
        self._cluster = cluster
        self._client = client
        self._admin = AdminClient({"bootstrap.servers": lab.bootstrap_servers})
        self._id = ""

    def wait_for_id(self) -> None:
        """Returns once the cluster knows the job.

        Raises:
            NotMeasured: its client ended before that, or took too long.
        """
        wait_until(lambda: self._find() or not self._client.alive(), _SUBMITTED_DEADLINE_S)
        if not self._id:
            raise NotMeasured(f"{self.name} was not submitted: {self._client.reason()}")

    def state(self) -> str:
        """Flink's word for the job's state, empty while the JobManager does not answer."""
        return str(self._get("").get("state", ""))

    def ended(self) -> bool:
        """Whether the job came to an end, good or bad."""
        return self.state() in {"FINISHED", "FAILED", "CANCELED"}

    def wait(self, deadline_s: float) -> float:
        """Returns the job's seconds once it has finished.

        Raises:
            NotMeasured: it failed, or did not finish in time.
        """
        wait_until(self.ended, deadline_s)
        if (state := self.state()) != "FINISHED":
            cause = str(self._get("/exceptions").get("root-exception", "")).partition("\n")[0]
            raise NotMeasured(f"{self.name} is {state} after {deadline_s:.0f} s at most: {cause}")
        return float(self._get("")["duration"]) / 1000

    def checkpoints(self) -> Checkpoints:
        """The job's checkpoints now."""
        found = self._get("/checkpoints")
        restored = (found.get("latest") or {}).get("restored") or {}
        return Checkpoints(
            restored=found.get("counts", {}).get("restored", 0),
            restored_at_ms=restored.get("restore_timestamp", 0),
            completed_ms={
                one["trigger_timestamp"]: one["latest_ack_timestamp"]
                for one in found.get("history", [])
                if one["status"] == "COMPLETED"
            },
        )

    def committed(self) -> int:
        """Source records behind the last checkpoint that was committed."""
        asked = self._admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(self.deployment)], request_timeout=_ASK_TIMEOUT_S
        )
        answer = asked[self.deployment].result()
        return sum(max(place.offset, 0) for place in answer.topic_partitions)

    def _find(self) -> bool:
        jobs = self._ask("/jobs/overview").get("jobs", [])
        found = [job["jid"] for job in jobs if f"({self.deployment})" in job["name"]]
        self._id = found[0] if found else ""
        return bool(self._id)

    def _get(self, path: str) -> dict[str, Any]:
        return self._ask(f"/jobs/{self._id}{path}")

    def _ask(self, path: str) -> dict[str, Any]:
        try:
            answer = self._cluster.get(path)
        except (OSError, http.client.HTTPException, ValueError):
            return {}  # busy with a failure; the callers ask again
        return answer if isinstance(answer, dict) else {}


@contextmanager
def submitted(lab: Lab, cluster: FlinkCluster, name: str) -> Iterator[Job]:
    """The job of a use case in `benchmarks.kill.use_cases`, bounded, while the block runs.

    Raises:
        NotMeasured: the cluster did not take it.
    """
    use_case = f"benchmarks.kill.use_cases:{name.upper()}"
    argv = [sys.executable, "-m", "millrace", "run", "score", "--use-case", use_case]
    client = start(
        f"client of {name}",
        [*argv, "--cluster", cluster.rest_address, "--once"],
        log_path=lab.directory / "logs" / f"{name}.log",
        env=_environment(lab),
        cwd=_WORK,
    )
    try:
        job = Job(lab, cluster, name, client)
        job.wait_for_id()
        yield job
    except OSError as error:
        raise UnavailableError(f"the cluster does not answer: {error}") from error
    finally:
        client.stop()


def _environment(lab: Lab) -> dict[str, str]:
    """Of the command: nothing of a deployment that this shell may be set up for."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
    return {
        **own,
        "MILLRACE_KAFKA__BOOTSTRAP_SERVERS": lab.bootstrap_servers,
        "MILLRACE_KAFKA__PARTITIONS": str(PARTITIONS),
        "MILLRACE_SERVING__TARGET": lab.serving_target,
        "MILLRACE_SERVING__DEADLINE_MS": str(_DEADLINE_MS),
        "MILLRACE_SCORE__PARALLELISM": str(PARALLELISM),
        "MILLRACE_SCORE__CHECKPOINT_INTERVAL_MS": str(CHECKPOINT_MS),
        "MILLRACE_SCORE__FEATURES_TOPIC": "true",
        # The one order in which two runs over two topics give the same rows.
        "MILLRACE_SCORE__ORDER": "on_watermark",
        "MILLRACE_STACK__STATE_DIR": str(lab.directory / "state"),
    }
