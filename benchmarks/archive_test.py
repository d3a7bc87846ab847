"""The job archive at full speed and through kill -9: `make archive-test`.

The job runs twice on a real cluster of two TaskManagers over the same raw topic: once
undisturbed, for the rate, and once while a TaskManager is killed in the middle. Afterwards every
offset has to be in either archive exactly once.

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
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.kill.job import PARTITIONS, NotMeasured
from benchmarks.kill.kills import kill_task_manager
from benchmarks.kill.records import create_topics, fill
from benchmarks.progress import say
from millrace.archive import Archive
from millrace.archive.overview import holdings, total
from millrace.archive.progress import Progress
from millrace.archive.verification import verify
from millrace.kafka.cluster import Cluster
from millrace.kafka.topics import RAW
from millrace.stack.broker import Broker
from millrace.stack.flink import FlinkCluster
from millrace.stack.processes import wait_until
from udfs.errors import MillraceError
from udfs.use_cases.fraud import FRAUD

_NAME = FRAUD.name
_DEADLINE_S = 240.0
_KILL_AT = 0.2
_CHECKPOINT_MS = 2_000
_BROKEN_OFF, _INTERRUPTED = 4, 130
_WORK = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Run:
    """What a run left behind.

    Attributes:
        records: in the raw topic.
        archived: different offsets in the archive.
        missing: offsets in the topic only.
        twice: offsets in the archive more than once.
        restored: how often the job went back to a checkpoint.
        archived_before: offsets that were archived when the TaskManager was killed; 0 without.
        seconds: from the first archived record that was seen to the last.
        records_per_s: records in that time; what was archived at the first look left out.
        files: in the archive.
        bytes_per_record: on disk.
    """

    records: int
    archived: int
    missing: int
    twice: int
    restored: int
    archived_before: int
    seconds: float
    records_per_s: float
    files: int
    bytes_per_record: float

    def wrong(self, killed: bool) -> list[str]:
        """A sentence for everything that does not hold."""
        found = []
        if (self.archived, self.missing, self.twice) != (self.records, 0, 0):
            found.append(
                f"{self.archived:,} of {self.records:,} archived, {self.missing:,} missing, "
                f"{self.twice:,} twice"
            )
        if killed and not (0 < self.archived_before < self.records and self.restored):
            found.append(
                f"not killed in the middle: {self.archived_before:,} archived before, "
                f"{self.restored} restores"
            )
        return found


def measure(records: int, seed: int) -> tuple[Run, Run]:
    """Both runs: undisturbed, and killed."""
    with tempfile.TemporaryDirectory(prefix="millrace-archive-") as name:
        folder = Path(name)
        say("starting a broker")
        with Broker(folder, heap="2g") as broker:
            servers = broker.bootstrap_servers
            create_topics(servers, (_NAME,))
            say(f"writing {records:,} records")
            fill(servers, FRAUD, count=records, seed=seed, data=None)
            return (
                _run(folder / "undisturbed", servers, records, None),
                _run(folder / "killed", servers, records, kill_task_manager),
            )


def _run(
    folder: Path, servers: str, records: int, kill: Callable[[FlinkCluster], str] | None
) -> Run:
    say(f"archiving, {folder.name}")
    folder.mkdir()
    progress = Progress(Archive(folder / "archive", _NAME))
    with FlinkCluster(folder, task_managers=2, slots=1) as cluster:
        job = _submit(cluster, folder, servers)
        _wait(lambda: _archived(progress) > 0)
        began, at_first = time.monotonic(), _archived(progress)
        before = 0
        if kill is not None:
            _wait(lambda: _archived(progress) >= _KILL_AT * records)
            before = _archived(progress)
            say(f"killed {kill(cluster)} with {before / records:.0%} archived")
        _wait(lambda: _archived(progress) >= records)
        seconds = time.monotonic() - began
        restored = int(cluster.get(f"/jobs/{job}/checkpoints")["counts"]["restored"])
    say("counting")
    archive = Archive(folder / "archive", _NAME)
    checks = list(verify(Cluster(servers), archive, (RAW,)))
    held = total(RAW, holdings(archive, RAW))
    return Run(
        records=records,
        archived=sum(check.archived for check in checks),
        missing=sum(check.missing for check in checks),
        twice=sum(check.twice for check in checks),
        restored=restored,
        archived_before=before,
        seconds=round(seconds, 1),
        records_per_s=round((records - at_first) / max(seconds, 1e-9)),
        files=held.files,
        bytes_per_record=round(held.size / max(held.rows, 1), 1),
    )


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
    return sum(progress.ends(RAW).values())


def _wait(condition: Callable[[], bool]) -> None:
    if not wait_until(condition, _DEADLINE_S):
        raise NotMeasured(f"the job did not get on within {_DEADLINE_S:.0f} s")


def show(runs: dict[str, Run], console: Console) -> None:
    """Prints the result for people."""
    table = Table(title="Job archive, raw topic, parallelism 2")
    table.add_column("")
    for name in runs:
        table.add_column(name, justify="right")
    for field in asdict(next(iter(runs.values()))):
        values = (getattr(run, field) for run in runs.values())
        table.add_row(field.replace("_", " "), *(f"{value:,}" for value in values))
    console.print(table)


def main(argv: Sequence[str]) -> int:
    """Runs the test; the exit status."""
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
        return _INTERRUPTED
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
