"""Where the job `score` reads: Kafka, or a history file in its place."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from pyflink.datastream import StreamExecutionEnvironment

from jobs.stages.history import history_blocks, history_frames
from jobs.stages.raw import EventTime, raw_blocks
from udfs.use_cases.find import find_use_case
from udfs.use_cases.milliseconds import milliseconds

if TYPE_CHECKING:
    from jobs.archive import ArchiveOptions
    from jobs.score import ScoreOptions

Inputs: TypeAlias = Callable[[str], Any]
"""Raw blocks of a stage, as a Java stream of Row(shard, block)."""


def inputs(env: StreamExecutionEnvironment, options: "ScoreOptions", *, event_time: bool) -> Inputs:
    """The inputs of a job.

    Args:
        env: the environment.
        options: of the job.
        event_time: whether the streams have watermarks.
    """
    history = options.history
    if history is None:
        return lambda stage: _from_kafka(env, options, stage, event_time)
    frames = history_frames(env, f"{options.name}/history", history)
    return lambda stage: history_blocks(
        frames,
        options.topic(stage),
        history.stages.index(stage),
        env,
        options.packing,
        watermarks=event_time,
    )


def consumer_properties(options: "ScoreOptions | ArchiveOptions") -> dict[str, str]:
    """Kafka consumer properties of a source of raw records or of what is archived."""
    return {
        **options.kafka_properties,
        "bootstrap.servers": options.bootstrap_servers,
        "isolation.level": "read_committed",
        "partition.discovery.interval.ms": "10000",
        "max.poll.records": "10000",
        "max.partition.fetch.bytes": "4194304",
    }


def _from_kafka(
    env: StreamExecutionEnvironment, options: "ScoreOptions", stage: str, event_time: bool
) -> Any:
    lateness_ms = milliseconds(find_use_case(options.use_case).allowed_lateness)
    times = EventTime(lateness_ms, 0 if options.bounded else options.idle_ms)
    return raw_blocks(
        env,
        options.topic(stage),
        options.deployment,
        start=options.start,
        bounded=options.bounded,
        properties=consumer_properties(options),
        packing=options.packing,
        event_time=times if event_time else None,
        begin=options.begin.get(stage),
    )
