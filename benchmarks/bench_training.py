"""A training set from an archive, beside pandas: `python -m benchmarks.bench_training --data DATA`.

The handbook's 1.3 million transactions and their labels are archived first. Then Millrace and
pandas, in two forms, build all 15 features of all transactions from the archive, each in a process
of its own, one after the other; what they made is held against each other row by row. A table for
people, then one JSON object as the last line of standard output; the exit status is not 0 when a
row differs.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.handbook_archive import write_archive
from benchmarks.interruption import INTERRUPTED
from benchmarks.progress import say
from millrace.archive import Archive
from millrace.kafka.topics import LABELS
from udfs.errors import DataError, MillraceError
from udfs.use_cases.fraud import FRAUD

_OURS, _HANDBOOK, _GROUPED = "millrace", "pandas_handbook", "pandas_grouped"
_PANDAS = (_HANDBOOK, _GROUPED)
_TOLERANCE = 1e-9

Build = Callable[[Path], tuple[NDArray[np.int64], NDArray[np.float64]]]
"""From the root of an archive to ids (n,) and features (n, 15)."""


@dataclass(frozen=True)
class Turn:
    """One build in a process of its own.

    Attributes:
        seconds: wall clock, from a process that has imported what it needs to the rows.
        cpu_s: of the process.
        peak_mb: the most memory that was resident.
        rows: rows built.
    """

    seconds: float
    cpu_s: float
    peak_mb: int
    rows: int


def build_one(who: str, root: Path, out: Path) -> Turn:
    """Builds in this process, and saves ids and features."""
    build = _ours() if who == _OURS else _pandas(grouped=who == _GROUPED)
    start, cpu = time.perf_counter(), time.process_time()
    ids, features = build(root)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_000
    order = np.argsort(ids)
    np.savez(out, ids=ids[order], features=features[order])
    return Turn(seconds, cpu, peak_mb, len(ids))


def _ours() -> Build:
    from training.archived.build import ArchiveSource  # noqa: PLC0415  (in its own process alone)

    def build(root: Path) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        last = max(Archive(root, FRAUD.name).dates(LABELS)) + timedelta(days=1)
        as_of = datetime(last.year, last.month, last.day, tzinfo=timezone.utc)
        data = ArchiveSource(root, as_of).dataset(FRAUD)
        return data.business_ids, data.features

    return build


def _pandas(*, grouped: bool) -> Build:
    from benchmarks.pandas_training_set import training_set  # noqa: PLC0415  (likewise)

    return partial(training_set, grouped=grouped)


def _turn(who: str, root: Path, out: Path) -> Turn:
    say(f"{who} builds the training set")
    argv = [sys.executable, "-m", "benchmarks.bench_training", "--one", who, str(root), str(out)]
    ended = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False)
    if ended.returncode:
        raise DataError(f"the build by {who} ended with status {ended.returncode}")
    return Turn(**json.loads(ended.stdout.splitlines()[-1]))


def _equal_rows(one: Path, other: Path) -> int:
    """Rows that both have with the same ids; flags and counts the same, the rest to 1e-9."""
    with np.load(one) as ours, np.load(other) as theirs:
        if not np.array_equal(ours["ids"], theirs["ids"]):
            return 0
        a, b = ours["features"], theirs["features"]
    near = np.abs(a - b) <= _TOLERANCE * np.maximum(np.abs(b), 1.0)
    exact = [place for place, name in enumerate(FRAUD.spec.names) if "count" in name]
    return int((near.all(axis=1) & (a[:, exact] == b[:, exact]).all(axis=1)).sum())


def measure(given: argparse.Namespace, folder: Path) -> dict[str, float | int]:
    """All turns of both; medians and what is equal."""
    say("writing transactions and labels into an archive")
    root = write_archive(given.data, folder / "archive").root
    files = {who: folder / f"{who}.npz" for who in (_OURS, *_PANDAS)}
    turns: dict[str, list[Turn]] = {who: [] for who in files}
    for _ in range(given.repeats):
        for who, file in files.items():
            turns[who].append(_turn(who, root, file))
    figures: dict[str, float | int] = {}
    for who, done in turns.items():
        prefix = _prefix(who)
        figures[f"{prefix}seconds"] = round(statistics.median(turn.seconds for turn in done), 2)
        figures[f"{prefix}cpu_seconds"] = round(statistics.median(turn.cpu_s for turn in done), 2)
        figures[f"{prefix}peak_mb"] = max(turn.peak_mb for turn in done)
        figures[f"{prefix}rows"] = done[-1].rows
    for who in _PANDAS:
        figures[f"{_prefix(who)}equal_rows"] = _equal_rows(files[_OURS], files[who])
        form = who.removeprefix("pandas_")
        for unit, name in (("seconds", "ratio"), ("cpu_seconds", "cpu_ratio")):
            ratio = figures[f"{_prefix(who)}{unit}"] / figures[unit]
            figures[f"{name}_{form}"] = round(ratio, 2)
    figures["equal_rows"] = min(figures[f"{_prefix(who)}equal_rows"] for who in _PANDAS)
    return figures


def _prefix(who: str) -> str:
    """Of the figures of one side; ours have none."""
    return "" if who == _OURS else f"{who}_"


def _show(figures: dict[str, float | int]) -> None:
    table = Table(title="Training set of 15 features from archived topics", title_justify="left")
    for heading in ("", "rows", "seconds", "CPU seconds", "peak MB"):
        table.add_column(heading, justify="right" if heading else "left")
    for who in (_OURS, *_PANDAS):
        names = ("rows", "seconds", "cpu_seconds", "peak_mb")
        table.add_row(who, *(f"{figures[_prefix(who) + name]:,}" for name in names))
    console = Console(width=100)
    console.print(table)
    console.print(
        f"{figures['equal_rows']:,} rows equal in all three; times as fast as pandas: "
        f"{figures['ratio_handbook']} group by group, {figures['ratio_grouped']} grouped"
    )


def main(argv: Sequence[str]) -> int:
    """Measures; returns the exit status."""
    given = _parser().parse_args(argv)
    if given.one:
        who, root, out = given.one
        print(json.dumps(asdict(build_one(who, Path(root), Path(out)))))
        return 0
    try:
        with tempfile.TemporaryDirectory(prefix="millrace-training-") as folder:
            figures = measure(given, Path(folder))
    except KeyboardInterrupt:
        return INTERRUPTED
    except MillraceError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    _show(figures)
    print(json.dumps(figures), flush=True)
    rows = {figures[_prefix(who) + "rows"] for who in (_OURS, *_PANDAS)}
    rows.add(figures["equal_rows"])
    return 0 if len(rows) == 1 else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench_training",
        description="A training set from an archive, beside pandas; the last line is JSON.",
        epilog="example: make bench-training DATA=../shared/data",
    )
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--data", type=Path, help="the handbook's folder, or the one above it")
    wanted.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--repeats", type=int, default=1, help="turns of each (default 1)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
