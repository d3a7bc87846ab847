"""Flink's own sliding windows beside the fold: `python -m benchmarks.sensor_windows`.

Readings of 1,000 machines, one every two seconds each, with 14 sensors as deviations; mean and
spread of each over the last 5, 15, 30 and 60 readings. Four ways, one after the other, each on one
thread of work: the folds of the use case, over sensors and not over the two numbers that it makes
of them; Flink SQL's OVER, which is exact for every reading, as the fold is; Flink SQL's HOP, which
gives one row a machine and slide; and the source alone, whose cost is taken off the other two.
What counts is CPU time a record, of the whole process, so the JVM's collector and compiler are in
it. The fold gives slopes and the machine's start as well.

A table for people, then one JSON object as the last line of standard output. The exit status is
not 0 when a way gave fewer rows than it has to.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from pyflink.java_gateway import get_gateway
from pyflink.table import EnvironmentSettings, TableEnvironment
from rich.console import Console
from rich.table import Table

from benchmarks.progress import say
from udfs.features.beginnings import MachineStart
from udfs.features.columns import ColumnReader
from udfs.features.sensors import SensorWindows
from udfs.use_cases.maintenance import MAINTENANCE
from udfs.use_cases.maintenance_records import CYCLE_MS
from udfs.use_cases.maintenance_regimes import ENGINES
from udfs.use_cases.maintenance_world import live

_MACHINES, _SENSORS, _WINDOWS = 1_000, 14, (5, 15, 30, 60)
_BLOCK = 1_024
_SHARE = 4
_CLOCK_TICKS = 100
_START_MS = 1_700_000_000_000
_START = MachineStart("start", "unit_id", ENGINES, readings=10)
_READINGS = SensorWindows("windows", "unit_id", ENGINES, tuple(w * CYCLE_MS for w in _WINDOWS))


def main(argv: Sequence[str]) -> int:
    """Measures, prints, and returns the exit status."""
    count = _parser().parse_args(argv).count
    few = count // _SHARE
    rows: dict[str, int] = {}
    cpu_us: dict[str, float] = {}
    for name, way in _WAYS.items():
        say(f"{name}: twice {few:,}, then {count:,} readings")
        # The first bears what starting and compiling cost; planning a query is in all three.
        _, short, long = [_timed(way, some) for some in (few, few, count)]
        rows[name] = long[0]
        cpu_us[name] = round(1e6 * (long[1] - short[1]) / (count - few), 2)
    for name in ("over", "hop"):
        cpu_us[name] = round(cpu_us[name] - cpu_us["source"], 2)
    _print(rows, cpu_us)
    print(json.dumps({"readings": count, "rows": rows, "cpu_us_a_reading": cpu_us}))
    # HOP gives a row a machine and slide, also of those that begin before the first reading.
    complete = all(rows[name] == count for name in ("fold", "source", "over"))
    return 0 if complete and rows["hop"] >= count else 1


def _timed(way: Callable[[int], int], count: int) -> tuple[int, float]:
    """Rows that a way gave, and CPU seconds that it took."""
    before = _cpu_s()
    made = way(count)
    return made, _cpu_s() - before


def _fold(count: int) -> int:
    """Columns and folds of so many readings; the making of records is not measured."""
    readings = [r for r, _ in islice(live(1, _START_MS, _MACHINES * 1000 / CYCLE_MS), count)]
    columns_of = ColumnReader(type(readings[0]), MAINTENANCE.column_types)
    blocks = [columns_of(readings[at : at + _BLOCK]) for at in range(0, count, _BLOCK)]
    folds = {fold: fold.start(10_000) for fold in (_START, _READINGS)}
    made, start = 0, time.process_time()
    for columns in blocks:
        times = columns["event_time_ms"]
        for fold, running in folds.items():
            values = {field: columns[field] for field in fold.values}
            sequence, _ = running.update(columns[fold.key], times, values, times)
        made += len(sequence)
    _Spent.seconds += time.process_time() - start
    return made


class _Spent:
    """CPU time of the fold alone, in this process."""

    seconds = 0.0


def _cpu_s() -> float:
    """CPU time of the fold so far, and of the JVM that Flink runs in."""
    pid = get_gateway().jvm.java.lang.ProcessHandle.current().pid()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return _Spent.seconds + (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS


def _tables(count: int) -> TableEnvironment:
    tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    for key, value in (("parallelism.default", "1"), ("pipeline.object-reuse", "true")):
        tables.get_config().set(key, value)
    step = CYCLE_MS / _MACHINES
    sensors = ", ".join(f"s{place} AS RAND()" for place in range(_SENSORS))
    tables.execute_sql(f"""CREATE TEMPORARY TABLE readings (
        id INT, unit AS MOD(id, {_MACHINES}),
        moment AS TO_TIMESTAMP_LTZ({_START_MS} + CAST(id * {step:g}E0 AS BIGINT), 3), {sensors},
        WATERMARK FOR moment AS moment
    ) WITH ('connector' = 'datagen', 'number-of-rows' = '{count}',
        'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '{count - 1}')""")
    return tables


def _rows(count: int, query: str) -> int:
    """How many rows a query gives; all of them are made, only their number leaves Flink."""
    tables = _tables(count)
    names = [field for field in tables.sql_query(query).get_schema().get_field_names()]
    used = " + ".join(f"COALESCE(CAST(`{n}` AS DOUBLE), 0)" for n in names if n.startswith("v"))
    counted = f"SELECT COUNT(*), SUM({used or '1'}) FROM ({query})"
    tables.get_config().set("table.exec.mini-batch.enabled", "true")
    tables.get_config().set("table.exec.mini-batch.allow-latency", "1 s")
    tables.get_config().set("table.exec.mini-batch.size", "50000")
    with tables.execute_sql(counted).collect() as results:
        return max(int(row[0]) for row in results)


def _measures(window: str, suffix: str) -> str:
    return ", ".join(
        f"{function}(s{place}) {window} AS v{place}_{short}{suffix}"
        for place in range(_SENSORS)
        for function, short in (("AVG", "mean"), ("STDDEV_POP", "spread"))
    )


def _over() -> str:
    """Exact windows for every reading; one OVER a query, so the lengths go one after another."""
    query, kept = "readings", "unit, moment, " + ", ".join(f"s{p}" for p in range(_SENSORS))
    for readings in _WINDOWS:
        seconds = readings * CYCLE_MS // 1000 - 1
        over = (
            "OVER (PARTITION BY unit ORDER BY moment RANGE BETWEEN "
            f"INTERVAL '{seconds}' SECOND PRECEDING AND CURRENT ROW)"
        )
        query = f"(SELECT {kept}, {_measures(over, f'_{readings}')} FROM {query})"
        kept += ", " + ", ".join(
            f"v{place}_{short}_{readings}"
            for place in range(_SENSORS)
            for short in ("mean", "spread")
        )
    return f"SELECT * FROM {query}"


def _hop() -> str:
    """The longest window only, a row a machine and slide of one reading."""
    return f"""SELECT unit, window_end, {_measures("", "")} FROM TABLE(HOP(
        TABLE readings, DESCRIPTOR(moment), INTERVAL '{CYCLE_MS // 1000}' SECOND,
        INTERVAL '{_WINDOWS[-1] * CYCLE_MS // 1000}' SECOND
    )) GROUP BY unit, window_start, window_end"""


_WAYS: dict[str, Callable[[int], int]] = {
    "fold": _fold,
    "source": lambda count: _rows(count, "SELECT unit, moment FROM readings"),
    "over": lambda count: _rows(count, _over()),
    "hop": lambda count: _rows(count, _hop()),
}


def _print(rows: dict[str, int], cpu_us: dict[str, float]) -> None:
    table = Table(title="windows over 14 sensors", title_justify="left")
    for column in ("way", "rows", "CPU µs a reading"):
        table.add_column(column, justify="left" if column == "way" else "right")
    for name, made in rows.items():
        table.add_row(name, f"{made:,}", f"{cpu_us[name]:,.2f}")
    Console().print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.sensor_windows", description=__doc__)
    parser.add_argument("--count", type=int, default=400_000, help="readings")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
