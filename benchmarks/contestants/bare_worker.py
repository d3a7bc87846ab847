"""A plain PyFlink job with one identity map: what a Python worker weighs without our code."""

from pyflink.common import Types
from pyflink.table import StreamTableEnvironment

from benchmarks.assignment import Assignment
from benchmarks.contestants.flink import create_sink, create_source, job_environment

# Our job's bundles count blocks; these are Flink's own for records.
_FOR_RECORDS = {
    "python.fn-execution.bundle.size": "1000",
    "python.fn-execution.bundle.time": "1000",
}


def identity(value: str) -> str:
    """The value."""
    return value


def run(assignment: Assignment) -> None:
    """Runs until it is ended."""
    env = job_environment(assignment, "bare worker", _FOR_RECORDS)
    tables = StreamTableEnvironment.create(env)
    create_source(tables, assignment, "`value` STRING")
    create_sink(tables, assignment, "`value` STRING")
    rows = tables.to_data_stream(tables.from_path("source"))
    same = rows.map(identity, Types.ROW_NAMED(["value"], [Types.STRING()]))
    tables.from_data_stream(same).execute_insert("sink").wait()
