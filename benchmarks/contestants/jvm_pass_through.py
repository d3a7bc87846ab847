"""Kafka to Kafka inside Flink's JVM, values unchanged: what no Python job can surpass.

Source, sink, checkpoints and guarantee are set as in our job. Values are a third as long as
predictions, so this bound is generous.
"""

from pyflink.table import StreamTableEnvironment

from benchmarks.assignment import Assignment
from benchmarks.contestants.flink import create_sink, create_source, job_environment


def run(assignment: Assignment) -> None:
    """Copies the raw topics to the topic of predictions."""
    tables = StreamTableEnvironment.create(job_environment(assignment, "pass-through"))
    create_source(tables, assignment, "`value` BYTES")
    create_sink(tables, assignment, "`value` BYTES")
    tables.execute_sql("INSERT INTO sink SELECT `value` FROM source").wait()
