"""The archive job: topics of a use case to Parquet files by date, exactly once, all in the JVM."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pyflink.datastream import StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway

from jobs.environment import environment
from jobs.inputs import consumer_properties
from jobs.stages.jvm import blocks, java_map
from jobs.targets import TARGETS


@dataclass(frozen=True)
class ArchiveOptions:
    """Everything the job takes, resolved.

    Attributes:
        name: the use case's name.
        stages: what is archived; a stage's topic is `<name>.<stage>`.
        path: folder of the use case in the archive, which every TaskManager reaches.
        bootstrap_servers: Kafka.
        checkpoint_dir: URI that client and cluster reach.
        deployment: unique name; the consumer group.
        checkpoint_interval_ms: a file is complete with the next checkpoint.
        parallelism: readers and writers.
        starts: where a job without state begins, `topic/partition` to offset, all partitions.
        kafka_properties: client properties for security and the like.
        flink: Flink configuration over everything else.
    """

    name: str
    stages: tuple[str, ...]
    path: Path
    bootstrap_servers: str
    checkpoint_dir: str
    deployment: str
    checkpoint_interval_ms: int
    parallelism: int = 1
    starts: Mapping[str, int] = field(default_factory=dict)
    kafka_properties: Mapping[str, str] = field(default_factory=dict, repr=False)
    flink: Mapping[str, str] = field(default_factory=dict)

    @property
    def job_name(self) -> str:
        """What Flink's interface shows."""
        return f"archive {self.name} ({self.deployment})"

    @property
    def topics(self) -> dict[str, str]:
        """The stage of each topic."""
        return {f"{self.name}.{stage}": stage for stage in self.stages}


def build(options: ArchiveOptions, jars: tuple[Path, ...] = ()) -> StreamExecutionEnvironment:
    """The environment with the whole topology; `execute` it to run the job."""
    interval_ms = options.checkpoint_interval_ms
    env = environment(
        options.job_name,
        parallelism=options.parallelism,
        target=replace(TARGETS["throughput"], checkpoint_interval_ms=interval_ms),
        checkpoint_dir=options.checkpoint_dir,
        # The state is a few offsets and file names.
        state_backend="hashmap",
        jars=jars,
        overrides=options.flink,
    )
    blocks()  # refuses a JAR of another version
    java = get_gateway().jvm.millrace.flink.ArchiveFiles
    records = java.read(
        env._j_stream_execution_environment,
        f"{options.name}/archive/read",
        java_map(options.topics),
        options.deployment,
        java_map({place: str(offset) for place, offset in options.starts.items()}),
        java_map(consumer_properties(options)),
    )
    java.write(records, f"{options.name}/archive/write", f"file://{options.path}")
    return env
