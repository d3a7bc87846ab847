"""The job archive at full speed and through kill -9: `make archive-test`.

The job runs twice on a real cluster of two TaskManagers over the same topics, raw and labels: once
undisturbed, for the rate, and once while a TaskManager is killed in the middle. Afterwards every
offset has to be in either archive exactly once, and still after its files are compacted.

A table for people, then one JSON object as the last line of standard output; progress goes to
standard error. The exit status is not 0 when something could not be measured or does not hold.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.archive_run import STAGES, Pace, Run, run_of
from benchmarks.interruption import INTERRUPTED, sigterm_interrupts
from benchmarks.kill.job import PARTITIONS, NotMeasured
from benchmarks.kill.kills import kill_task_manager
from benchmarks.kill.records import create_topics, fill
from benchmarks.progress import say
from millrace.archive import Archive
from millrace.archive.progress import Progress
from millrace.kafka.cluster import Cluster
from millrace.stack.broker import Broker
from millrace.stack.flink import FlinkCluster
from millrace.stack.processes import wait_until
from udfs.errors import MillraceError
from udfs.use_cases.fraud import FRAUD

_NAME = FRAUD.name
_DEADLINE_S = 240.0
_KILL_AT = 0.2
_CHECKPOINT_MS = 2_000
_BROKEN_OFF = 4
_WORK = Path(__file__).resolve().parents[1]


def measure(records: int, seed: int) -> tuple[Run, Run]:
    """Both runs: undisturbed, and killed."""
    with tempfile.TemporaryDirectory(prefix="millrace-archive-") as name:
        folder = Path(name)
        say("starting a broker")
        with Broker(folder, heap="2g") as broker:
            servers = broker.bootstrap_servers
            create_topics(servers, (_NAME,))
            say(f"writing {records:,} records and the labels that become known meanwhile")
            _, labels = fill(servers, FRAUD, count=records, seed=seed, data=None)
            return (
                _run(folder / "undisturbed", servers, records + labels, None),
                _run(folder / "killed", servers, records + labels, kill_task_manager),
            )


def _run(
    folder: Path, servers: str, records: int, kill: Callable[[FlinkCluster], str] | None
) -> Run:
    say(f"archiving {records:,} records, {folder.name}")
    folder.mkdir()
    archive = Archive(folder / "archive", _NAME)
    with FlinkCluster(folder, task_managers=2, slots=1) as cluster:
        job = _submit(cluster, folder, servers)
        pace = _watched(cluster, job, Progress(archive), records, kill)
    say("counting")
    return run_of(Cluster(servers), archive, records, pace)


def _watched(
    cluster: FlinkCluster,
    job: str,
    progress: Progress,
    records: int,
    kill: Callable[[FlinkCluster], str] | None,
) -> Pace:
    """Waits until the job has archived all records."""
    _wait(lambda: _archived(progress) > 0)
    began, before_first = time.monotonic(), _archived(progress)
    at_kill = 0
    if kill is not None:
        _wait(lambda: _archived(progress) >= _KILL_AT * records)
        at_kill = _archived(progress)
        say(f"killed {kill(cluster)} with {at_kill / records:.0%} archived")
    _wait(lambda: _archived(progress) >= records)
    seconds = time.monotonic() - began
    restored = int(cluster.get(f"/jobs/{job}/checkpoints")["counts"]["restored"])
    return Pace(seconds, before_first, at_kill, restored)


def _submit(cluster: FlinkCluster, folder: Path, servers: str) -> str:
    own = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
    env = {
        **own,
        "MILLRACE_KAFKA__BOOTSTRAP_SERVERS": servers,
        "MILLRACE_KAFKA__PARTITIONS": str(PARTITIONS),
        "MILLRACE_STACK__STATE_DIR": str(folder / "state"),
        "MILLRACE_ARCHIVE__PATH": str(folder / "archive"),
        "MILLRACE_ARCHIVE__PARALLELISM": "2",
        "MILLRACE_ARCHIVE__CHECKPOINT_INTERVAL_MS": str(_CHECKPOINT_MS),
    }
    argv = [sys.executable, "-m", "millrace", "run", "archive", "--use-case", _NAME]
    done = subprocess.run(
        [*argv, "--cluster", cluster.rest_address],
        env=env,
        cwd=_WORK,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotMeasured(f"the job was not submitted: {done.stderr.strip()}")
    return done.stdout.strip()


def _archived(progress: Progress) -> int:
    return sum(sum(progress.ends(stage).values()) for stage in STAGES)


def _wait(condition: Callable[[], bool]) -> None:
    if not wait_until(condition, _DEADLINE_S):
        raise NotMeasured(f"the job did not get on within {_DEADLINE_S:.0f} s")


def show(runs: dict[str, Run], console: Console) -> None:
    """Prints the result for people."""
    table = Table(title="Job archive, raw and labels, parallelism 2")
    table.add_column("")
    for name in runs:
        table.add_column(name, justify="right")
    for field in asdict(next(iter(runs.values()))):
        values = (getattr(run, field) for run in runs.values())
        table.add_row(field.replace("_", " "), *(_text(value) for value in values))
    console.print(table)


def _text(value: bool | float) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else f"{value:,}"


def main(argv: Sequence[str]) -> int:
    """Runs the test; the exit status."""
    sigterm_interrupts()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.archive_test",
        description="The job archive at full speed and through kill -9; the last line is JSON.",
        epilog="example: python -m benchmarks.archive_test --records 1000000",
    )
    parser.add_argument("--records", type=int, default=3_000_000, help="default 3,000,000")
    parser.add_argument("--seed", type=int, default=1, help="of the generator and the faults")
    given = parser.parse_args(argv)
    try:
        undisturbed, killed = measure(given.records, given.seed)
    except KeyboardInterrupt:
        say("interrupted; everything is stopped")
        return INTERRUPTED
    except MillraceError as error:
        print(f"error: {error}", file=sys.stderr)
        return _BROKEN_OFF if isinstance(error, NotMeasured) else error.exit_status
    runs = {"undisturbed": undisturbed, "killed": killed}
    show(runs, Console(width=110))
    wrong = [*undisturbed.wrong(killed=False), *killed.wrong(killed=True)]
    for text in wrong:
        print(f"wrong: {text}")
    print(json.dumps({**{n: asdict(run) for n, run in runs.items()}, "wrong": wrong}), flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
