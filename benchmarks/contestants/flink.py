"""What the Flink contestants beside our job share."""

from collections.abc import Mapping
from pathlib import Path

from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from benchmarks.assignment import Assignment
from benchmarks.contestants.score import options
from jobs.environment import environment
from jobs.inputs import consumer_properties
from jobs.score import producer_properties


def job_environment(
    assignment: Assignment, name: str, overrides: Mapping[str, str] | None = None
) -> StreamExecutionEnvironment:
    """An environment with the settings of our job, and `overrides` over them."""
    return environment(
        f"{name} ({assignment.deployment})",
        parallelism=assignment.parallelism,
        target=assignment.settings,
        checkpoint_dir=assignment.checkpoint_dir,
        state_backend="rocksdb",
        jars=tuple(Path(jar) for jar in assignment.jars),
        overrides=overrides,
    )


def create_source(
    tables: StreamTableEnvironment, assignment: Assignment, columns: str, more: str = ""
) -> None:
    """Declares the table `source` over the raw topics, with our source's settings."""
    bounded = "'scan.bounded.mode' = 'latest-offset'," if assignment.bounded else ""
    properties = _sql(consumer_properties(options(assignment)))
    tables.execute_sql(
        f"""CREATE TABLE source ({columns}) WITH (
            'connector' = 'kafka', 'topic' = '{";".join(assignment.raw_topics)}',
            'properties.group.id' = '{assignment.deployment}',
            'scan.startup.mode' = 'earliest-offset', {bounded} {more}
            'value.format' = 'raw', {properties})"""
    )


def create_sink(
    tables: StreamTableEnvironment, assignment: Assignment, columns: str, more: str = ""
) -> None:
    """Declares the table `sink` over the topic of predictions, with our sink's settings."""
    guarantee = "exactly-once" if assignment.exactly_once else "at-least-once"
    prefix = (
        f"'sink.transactional-id-prefix' = '{assignment.deployment}',"
        if assignment.exactly_once
        else ""
    )
    properties = _sql(producer_properties(options(assignment)))
    tables.execute_sql(
        f"""CREATE TABLE sink ({columns}) WITH (
            'connector' = 'kafka', 'topic' = '{assignment.predictions}',
            'sink.delivery-guarantee' = '{guarantee}', {prefix} {more}
            'value.format' = 'raw', {properties})"""
    )


def _sql(properties: Mapping[str, str]) -> str:
    """Client properties as options of a Kafka table."""
    return ", ".join(f"'properties.{key}' = '{value}'" for key, value in properties.items())
