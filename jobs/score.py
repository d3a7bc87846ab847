"""The main job: raw records in, predictions with their provenance out.

raw ─▶ clean ─▶ features ─▶ predictions, with dead letters beside them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pyflink.datastream import StreamExecutionEnvironment

from jobs.environment import environment
from jobs.stages.answers import write_answers
from jobs.stages.features import features
from jobs.stages.predictions import predictions
from jobs.stages.raw import Packing, raw_blocks
from jobs.targets import Target
from udfs.client.options import ClientOptions
from udfs.functions.feature_function import FeatureFunction
from udfs.functions.predict_function import PredictFunction

_BLOCK_BYTES = 4 * 1024 * 1024
# A dead letter holds a whole raw record in base64; its topic allows as much.
_MAX_REQUEST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class ScoreOptions:
    """Everything the job takes, resolved: settings, profile and command line.

    Attributes:
        use_case: installed name or `module:attribute`.
        name: the use case's name; topics are `<name>.<stage>`.
        bootstrap_servers: Kafka.
        serving_target: `host:port` of the model server, of replicas separated by commas.
        checkpoint_dir: URI that client and cluster reach.
        deployment: unique name; consumer group and transactional ids begin with it.
        target: what the job is tuned for.
        parallelism: subtasks of every stage.
        shards: bounds the parallelism for ever; part of the state.
        deadline_ms: total time of a model call.
        client: how the model server's client behaves.
        exactly_once: the sink's guarantee; checkpoints always are.
        emit_features: write feature rows to `<name>.features` too.
        bounded: end at the offsets that are the newest at the start.
        start: where a job without state begins: `earliest`, `latest` or `committed` (the
            group's offsets, else the earliest).
        max_clock_skew_ms: how far event time may be ahead of the Kafka timestamp.
        transaction_timeout_ms: an outage longer than this loses what was not yet committed.
        state_backend: `rocksdb` or `hashmap`.
        kafka_properties: client properties for security and the like.
        flink: Flink configuration over everything else.
    """

    use_case: str
    name: str
    bootstrap_servers: str
    serving_target: str
    checkpoint_dir: str
    deployment: str
    target: Target
    parallelism: int = 2
    shards: int = 4
    deadline_ms: int = 500
    client: ClientOptions = field(default_factory=ClientOptions)
    exactly_once: bool = True
    emit_features: bool = False
    bounded: bool = False
    start: str = "earliest"
    max_clock_skew_ms: int = 3_600_000
    transaction_timeout_ms: int = 600_000
    state_backend: str = "rocksdb"
    kafka_properties: Mapping[str, str] = field(default_factory=dict)
    flink: Mapping[str, str] = field(default_factory=dict)

    @property
    def job_name(self) -> str:
        """What Flink's interface shows."""
        return f"score {self.name} ({self.deployment})"

    def topic(self, stage: str) -> str:
        """The topic of a stage."""
        return f"{self.name}.{stage}"


def build(options: ScoreOptions, jars: tuple[Path, ...] = ()) -> StreamExecutionEnvironment:
    """The environment with the whole topology; `execute` it to run the job."""
    env = environment(
        options.job_name,
        parallelism=options.parallelism,
        target=options.target,
        checkpoint_dir=options.checkpoint_dir,
        state_backend=options.state_backend,
        jars=jars,
        overrides=options.flink,
    )
    raw = options.topic("raw")
    blocks = raw_blocks(
        env,
        raw,
        options.deployment,
        start=options.start,
        bounded=options.bounded,
        properties=consumer_properties(options),
        packing=Packing(
            options.shards, options.target.block_records, _BLOCK_BYTES, options.target.linger_ms
        ),
    )
    fold = FeatureFunction(options.use_case, raw, options.max_clock_skew_ms)
    predict = PredictFunction(
        options.use_case,
        raw,
        options.serving_target,
        options.deadline_ms,
        options.emit_features,
        client=options.client,
    )
    featured = features(blocks, fold, options.name, options.shards)
    write_answers(
        predictions(featured, predict, options.name),
        options.name,
        [options.topic(stage) for stage in ("predictions", "dead-letters", "features")],
        exactly_once=options.exactly_once,
        transactional_id_prefix=f"{options.deployment}/score",
        properties=producer_properties(options),
    )
    return env


def consumer_properties(options: ScoreOptions) -> dict[str, str]:
    """Kafka consumer properties of the source."""
    return {
        **options.kafka_properties,
        "bootstrap.servers": options.bootstrap_servers,
        "isolation.level": "read_committed",
        "partition.discovery.interval.ms": "10000",
        "max.poll.records": "10000",
        "max.partition.fetch.bytes": "4194304",
    }


def producer_properties(options: ScoreOptions) -> dict[str, str]:
    """Kafka producer properties of the sink."""
    return {
        **options.kafka_properties,
        "bootstrap.servers": options.bootstrap_servers,
        "acks": "all",
        "linger.ms": str(options.target.producer_linger_ms),
        "batch.size": "262144",
        "buffer.memory": "67108864",
        "compression.type": "lz4",
        "max.request.size": str(_MAX_REQUEST_BYTES),
        "transaction.timeout.ms": str(options.transaction_timeout_ms),
    }
