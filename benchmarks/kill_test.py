"""A million records through kill -9: `python -m benchmarks.kill_test`, or `make kill-test`.

The exactly-once job runs twice on a real cluster of two TaskManagers over the same records and
labels, in the order of event time, 1 % of the records malformed in at least 12 ways: once
undisturbed, once while a Python worker and then a TaskManager are killed. Afterwards, as a consumer
that reads committed data sees it, every source record and label has to have exactly one output,
and every feature row has to be the undisturbed run's.

A table for people, then one JSON object as the last line of standard output; progress goes to
standard error. The exit status is not 0 when something could not be measured or does not hold.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from confluent_kafka import KafkaException
from rich.console import Console
from rich.table import Table

from benchmarks.interruption import INTERRUPTED, sigterm_interrupts
from benchmarks.kill.job import NotMeasured, submitted
from benchmarks.kill.kills import (
    NEEDED_CHECKPOINTS,
    Kill,
    kill_at,
    kill_python_worker,
    kill_task_manager,
)
from benchmarks.kill.outputs import Predictions, feature_rows
from benchmarks.kill.records import copy, create_topics, expected_reasons, fill
from benchmarks.kill.use_cases import KILLED as KILLED_FRAUD
from benchmarks.kill.verdict import Verdict, judge
from benchmarks.lab import Lab, open_lab
from benchmarks.progress import say
from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import end_offsets
from millrace.stack.flink import FlinkCluster
from udfs.errors import MillraceError
from udfs.use_cases.fraud import FRAUD

UNDISTURBED, KILLED = "undisturbed", "killed"
_PLAN = ((0.2, kill_python_worker), (0.55, kill_task_manager))
_NEEDED_KINDS = 12
_COUNTS = (
    *("inputs", "predictions", "dead_letters", "missing", "extra"),
    *("labels", "label_outcomes", "labels_missing", "labels_extra"),
)
_RUN_DEADLINE_S = 600.0
_RECOVERY_BOUND_S = 60.0
_BROKEN_OFF = 4


@dataclass(frozen=True)
class Result:
    """What was measured.

    Attributes:
        kinds: malformed records by kind.
        kills: what was killed.
        committed_before: predictions that were committed before each kill.
        seconds: of the runs, by name.
        undisturbed: counts of the undisturbed run.
        killed: counts of the killed run.
        feature_rows: feature rows of the killed run.
        equal: of them, those that are the undisturbed run's in every bit.
    """

    kinds: Counter[str]
    kills: Sequence[Kill]
    committed_before: Sequence[int]
    seconds: dict[str, float]
    undisturbed: Verdict
    killed: Verdict
    feature_rows: int
    equal: int

    def wrong(self) -> list[str]:
        """A sentence for everything that does not hold."""
        expected = expected_reasons(self.kinds)
        found = [f"undisturbed: {text}" for text in self.undisturbed.wrong(expected)]
        found += [f"killed: {text}" for text in self.killed.wrong(expected)]
        if not self.equal == self.feature_rows == self.killed.predictions:
            found.append(f"{self.equal:,} of {self.feature_rows:,} feature rows are equal")
        if len(self.kinds) < _NEEDED_KINDS:
            found.append(f"only {len(self.kinds)} kinds of malformed records")
        for kill, committed in zip(self.kills, self.committed_before, strict=True):
            if not 0 < committed < self.killed.predictions:
                found.append(f"{kill.what} was not killed in the middle: {committed:,} committed")
            if kill.checkpoints_after < NEEDED_CHECKPOINTS:
                found.append(f"{kill.checkpoints_after} checkpoints after {kill.what} was killed")
        return found

    @property
    def in_time(self) -> bool:
        """Whether work went on within a minute each time; a busy machine may take longer."""
        return all(kill.recovery_s <= _RECOVERY_BOUND_S for kill in self.kills)

    def as_json(self) -> dict[str, Any]:
        """The object of the last line."""
        killed = self.killed
        return {
            "inputs": killed.inputs,
            "predictions": killed.predictions,
            "dead_letters": killed.dead_letters,
            "missing": killed.missing,
            "extra": killed.extra,
            "kills": len(self.kills),
            "labels": killed.labels,
            "label_outcomes": killed.label_outcomes,
            "labels_missing": killed.labels_missing,
            "labels_extra": killed.labels_extra,
            "feature_rows": self.feature_rows,
            "feature_rows_equal": self.equal,
            "dead_letters_other_bytes": killed.other_bytes,
            "predictions_other_ids": killed.other_ids,
            "malformed_kinds": len(self.kinds),
            "recovery_s": [round(kill.recovery_s, 1) for kill in self.kills],
            "recovered_within_60_s": self.in_time,
            "checkpoints_after": [kill.checkpoints_after for kill in self.kills],
            "committed_before": list(self.committed_before),
            "killed": [kill.what for kill in self.kills],
            "routes": dict(killed.routes),
            "seconds": {name: round(value, 1) for name, value in self.seconds.items()},
            "undisturbed_missing": self.undisturbed.missing,
            "undisturbed_extra": self.undisturbed.extra,
            "wrong": self.wrong(),
        }


def measure(records: int, seed: int, data: Path | None) -> Result:
    """Both runs and what came out of them."""
    with open_lab() as lab:
        servers = lab.bootstrap_servers
        create_topics(servers, (UNDISTURBED, KILLED))
        say(f"writing {records:,} records")
        kinds, labels = fill(servers, KILLED_FRAUD, count=records, seed=seed, data=data)
        say(f"{labels:,} labels become known of them")
        for stage in ("raw", "labels"):
            copy(servers, f"{KILLED}.{stage}", f"{UNDISTURBED}.{stage}")
        seconds: dict[str, float] = {}
        say("starting a Flink cluster with two TaskManagers")
        with FlinkCluster(lab.directory, task_managers=2, slots=1) as cluster:
            seconds[UNDISTURBED] = _run_undisturbed(lab, cluster)
            kills, seconds[KILLED] = _run_killed(lab, cluster)
        return _result(servers, kinds, kills, seconds)


def _run_undisturbed(lab: Lab, cluster: FlinkCluster) -> float:
    say("running the job undisturbed")
    with submitted(lab, cluster, UNDISTURBED) as job:
        return job.wait(_RUN_DEADLINE_S)


def _run_killed(lab: Lab, cluster: FlinkCluster) -> tuple[list[Kill], float]:
    say("running the job again, to kill parts of it")
    kafka = Cluster(lab.bootstrap_servers)
    inputs = sum(end_offsets(kafka, f"{KILLED}.raw").values())
    with submitted(lab, cluster, KILLED) as job:
        kills = [
            kill_at(share, act, job, cluster, inputs=inputs, kafka=kafka) for share, act in _PLAN
        ]
        return kills, job.wait(_RUN_DEADLINE_S)


def _result(
    servers: str, kinds: Counter[str], kills: list[Kill], seconds: dict[str, float]
) -> Result:
    say("counting")
    undisturbed, _ = judge(servers, UNDISTURBED)
    killed, answers = judge(servers, KILLED)
    say("comparing feature rows")
    ours = feature_rows(servers, KILLED, len(FRAUD.spec.names))
    equal = ours.equal(feature_rows(servers, UNDISTURBED, len(FRAUD.spec.names)))
    before = _committed_before(kills, answers)
    return Result(kinds, kills, before, seconds, undisturbed, killed, len(ours.places), equal)


def _committed_before(kills: list[Kill], answers: Predictions) -> list[int]:
    return [answers.before(kill.committed_ends) for kill in kills]


def show(result: Result, console: Console) -> None:
    """Prints the result for people."""
    counts = Table(title="Records, read committed")
    counts.add_column("")
    for name in (UNDISTURBED, KILLED):
        counts.add_column(name, justify="right")
    for label in _COUNTS:
        values = (getattr(run, label) for run in (result.undisturbed, result.killed))
        counts.add_row(label.replace("_", " "), *(f"{value:,}" for value in values))
    counts.add_row("seconds", *(f"{result.seconds[name]:.1f}" for name in (UNDISTURBED, KILLED)))
    console.print(counts)
    kills = Table(title="kill -9")
    for heading in ("what", "predictions committed", "work went on, s", "checkpoints after"):
        kills.add_column(heading, justify="left" if heading == "what" else "right")
    for kill, committed in zip(result.kills, result.committed_before, strict=True):
        kills.add_row(
            kill.what, f"{committed:,}", f"{kill.recovery_s:.1f}", f"{kill.checkpoints_after}"
        )
    console.print(kills)
    console.print(f"feature rows as in the undisturbed run: {result.equal:,}")
    console.print(f"kinds of malformed records: {len(result.kinds)}")
    for text in result.wrong():
        console.print(f"[bold red]wrong:[/] {text}")


def main(argv: Sequence[str]) -> int:
    """Runs the test; returns the exit status."""
    sigterm_interrupts()
    given = _parser().parse_args(argv)
    try:
        result = measure(given.records, given.seed, given.data)
    except KeyboardInterrupt:
        say("interrupted; everything is stopped")
        return INTERRUPTED
    except NotMeasured as error:
        print(f"error: not measured: {error}", file=sys.stderr)
        return _BROKEN_OFF
    except MillraceError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    except (KafkaException, CalledProcessError) as error:
        print(f"error: the measurement broke off: {error}", file=sys.stderr)
        return _BROKEN_OFF
    show(result, Console(width=110))
    print(json.dumps(result.as_json()), flush=True)
    return 1 if result.wrong() else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kill_test",
        description="The job through kill -9 of its parts; the last line is JSON.",
        epilog="example: python -m benchmarks.kill_test --records 300000",
    )
    parser.add_argument("--records", type=_positive, default=1_000_000, help="default 1,000,000")
    parser.add_argument("--seed", type=int, default=1, help="of the generator and the faults")
    parser.add_argument("--data", type=Path, help="folder of files to take the records from")
    return parser


def _positive(text: str) -> int:
    number = int(text.replace("_", "").replace(",", ""))
    if number < 1:
        raise argparse.ArgumentTypeError("it has to be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
