"""The faults: a Python worker and a TaskManager killed while the job is at work."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.kill.job import PARALLELISM, Job, NotMeasured
from benchmarks.progress import say
from benchmarks.workers import python_workers
from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import end_offsets
from millrace.stack.flink import FlinkCluster
from millrace.stack.processes import wait_until

NEEDED_CHECKPOINTS = 2
_RUN_DEADLINE_S = 600.0
_RECOVERY_DEADLINE_S = 120.0


@dataclass(frozen=True)
class Kill:
    """One kill and what followed.

    Attributes:
        what: what was killed.
        committed_share: share of the source records that were committed before.
        committed_ends: ends of what was readable of the predictions before, by partition.
        recovery_s: from the kill to the first checkpoint that was completed after it.
        checkpoints_after: those completed between the recovery and the next kill, as far as
            they were waited for.
    """

    what: str
    committed_share: float
    committed_ends: Mapping[int, int]
    recovery_s: float
    checkpoints_after: int


def kill_python_worker(cluster: FlinkCluster) -> str:
    """Kills one Python worker of the cluster; says which."""
    manager = next(process for process in cluster.task_managers if process.alive())
    workers = python_workers(manager.pid)
    if not workers:
        raise NotMeasured(f"{manager.name} has no Python worker")
    os.kill(workers[-1], signal.SIGKILL)
    return f"Python worker {workers[-1]} of {manager.name}"


def kill_task_manager(cluster: FlinkCluster) -> str:
    """Kills one TaskManager with its Python workers and starts another; says which."""
    manager = next(process for process in reversed(cluster.task_managers) if process.alive())
    manager.kill()
    if manager.alive():
        raise NotMeasured(f"{manager.name} outlived SIGKILL")
    cluster.start_task_manager()
    return f"{manager.name} ({manager.pid})"


def kill_at(
    share: float,
    act: Callable[[FlinkCluster], str],
    job: Job,
    cluster: FlinkCluster,
    *,
    inputs: int,
    kafka: Cluster,
) -> Kill:
    """Kills once a share of the inputs is committed, and waits until the job is at work again.

    Raises:
        NotMeasured: the job ended before the kill, or did not recover in time.
    """
    wait_until(lambda: job.committed() >= share * inputs or job.ended(), _RUN_DEADLINE_S)
    ends, committed = end_offsets(kafka, f"{job.name}.predictions"), job.committed()
    restored = job.checkpoints().restored
    if not share * inputs <= committed < inputs or job.ended():
        raise NotMeasured(f"{committed:,} of {inputs:,} were committed, the job is {job.state()}")
    began_ms = time.time() * 1000
    what = act(cluster)
    say(f"killed {what} with {committed / inputs:.0%} of the records committed")
    checkpoints = _recovery(job, restored)
    recovery_s = (checkpoints[0] - began_ms) / 1000
    say(f"at work again after {recovery_s:.1f} s, {len(checkpoints)} checkpoints since")
    return Kill(what, committed / inputs, ends, recovery_s, len(checkpoints))


def _recovery(job: Job, restored: int) -> list[int]:
    """Completion times of the checkpoints after the job's recovery, two unless it ended."""

    def recovered() -> list[int]:
        now = job.checkpoints()
        return now.since_restore() if now.restored > restored else []

    def enough() -> bool:
        return len(recovered()) >= NEEDED_CHECKPOINTS or job.ended()

    wait_until(enough, _RECOVERY_DEADLINE_S)
    found = recovered()
    if not found:
        raise NotMeasured(
            f"no checkpoint within {_RECOVERY_DEADLINE_S:.0f} s of the kill; the job is "
            f"{job.state()} with {PARALLELISM} slots wanted"
        )
    return found
