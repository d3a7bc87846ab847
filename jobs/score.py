"""The main job: raw records in, predictions with their provenance out.

raw ─▶ clean ─▶ features ─▶ predictions, with dead letters beside them. Where labels go to a second
entity key:

raw ─▶ clean, features ─┬─────────────────────────▶ second ─▶ predictions
                        └▶ join (by id, Java) ──────▲
labels ─▶ clean ───────────▲
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from pyflink.datastream import StreamExecutionEnvironment

from jobs.deployment import Deployment, remember
from jobs.environment import environment
from jobs.inputs import Inputs, inputs
from jobs.stages.answers import write_answers
from jobs.stages.features import features
from jobs.stages.history import History
from jobs.stages.jvm import in_order, keyed_by_shard, united
from jobs.stages.labels import (
    answers_of,
    by_business_id,
    by_second_key,
    label_changes,
    patient,
    record_rows,
    second_features,
    usable_labels,
)
from jobs.stages.predictions import predictions
from jobs.stages.raw import Packing
from jobs.targets import Target
from udfs.client.options import ClientOptions
from udfs.functions.feature_function import FeatureFunction
from udfs.functions.label_function import LabelFunction
from udfs.functions.predict_function import PredictFunction
from udfs.functions.record_rows import RecordRows
from udfs.functions.rows_function import RowsFunction
from udfs.functions.second_function import SecondFunction
from udfs.use_cases.find import find_use_case

Order: TypeAlias = Literal["on_arrival", "on_watermark"]
ON_ARRIVAL: Final = "on_arrival"
ON_WATERMARK: Final = "on_watermark"
OUTPUTS = ("predictions", "dead-letters", "features", "label-changes", "duplicates")
"""Stages that the job writes, in the order of `udfs.functions.answers`."""

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
        order: `on_arrival`, or `on_watermark`: records wait and go in the order of event time.
        idle_ms: in that order, a partition that is silent for so long holds nobody back.
        quiet: by topic stage and partition, the first offset whose outputs are written; what lies
            before fills the windows only.
        begin: by topic stage and partition, the offset where a job without state begins, over
            `start`.
        filled: the checkpoint in which windows were filled from an archive, for the next start.
        history: what is read in the place of Kafka: fills windows, never ends.
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
    order: Order = ON_ARRIVAL
    idle_ms: int = 60_000
    quiet: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    begin: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    filled: str | None = None
    history: History | None = None
    max_clock_skew_ms: int = 3_600_000
    transaction_timeout_ms: int = 600_000
    state_backend: str = "rocksdb"
    kafka_properties: Mapping[str, str] = field(default_factory=dict)
    flink: Mapping[str, str] = field(default_factory=dict)

    @property
    def by_watermark(self) -> bool:
        """Whether streams have watermarks: those of a history tell the join how far labels are."""
        return self.order == ON_WATERMARK or self.history is not None

    @property
    def job_name(self) -> str:
        """What Flink's interface shows."""
        return f"score {self.name} ({self.deployment})"

    @property
    def packing(self) -> Packing:
        """How records become blocks."""
        target = self.target
        return Packing(self.shards, target.block_records, _BLOCK_BYTES, target.linger_ms)

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
    use_case = find_use_case(options.use_case)
    remember(
        options.checkpoint_dir,
        Deployment(use_case.spec.hash, options.quiet, options.begin, options.filled),
    )
    read = inputs(env, options, event_time=options.by_watermark)
    two_keys = use_case.labels is not None
    answers = _two_keys(env, read, options) if two_keys else _one_key(read, options)
    write_answers(
        answers,
        options.name,
        [options.topic(stage) for stage in OUTPUTS],
        exactly_once=options.exactly_once,
        transactional_id_prefix=f"{options.deployment}/score",
        properties=producer_properties(options),
    )
    return env


def _one_key(read: Inputs, options: ScoreOptions) -> Any:
    """Answers where the entity key is the only one."""
    fold = FeatureFunction(
        options.use_case, options.topic("raw"), options.max_clock_skew_ms, options.quiet.get("raw")
    )
    raw = keyed_by_shard(_raw(read, options))
    featured = features(raw, fold, options.name, options.shards)
    return predictions(featured, _predict(options), options.name)._j_data_stream


def _two_keys(env: StreamExecutionEnvironment, read: Inputs, options: ScoreOptions) -> Any:
    """Answers where labels and folds go by a second entity key."""
    case, name, shards, packing = options.use_case, options.name, options.shards, options.packing
    skew_ms = options.max_clock_skew_ms
    raw = keyed_by_shard(_raw(read, options))
    first = RowsFunction(case, options.topic("raw"), skew_ms, options.quiet.get("raw"))
    rows = record_rows(raw, first, name, shards)
    use_case = find_use_case(case)
    layout = RecordRows(use_case)
    clean = LabelFunction(case, options.topic("labels"), skew_ms, options.quiet.get("labels"))
    labels, refused = usable_labels(keyed_by_shard(read("labels")), clean, env, name, shards)
    changes = label_changes(
        united(labels, by_business_id(rows, layout, env, name, patient(packing))),
        use_case,
        layout,
        f"{name}/join-labels/{shards}",
        topic=options.topic("labels"),
        by_watermark=options.by_watermark,
        quiet=options.quiet.get("labels", {}),
    )
    second = united(
        by_second_key(rows, env, f"{name}/pack-by-second", packing),
        by_second_key(changes, env, f"{name}/pack-changes", patient(packing)),
    )
    if options.order == ON_WATERMARK:
        second = in_order(second, f"{name}/order-by-second/{shards}", packing.records)
    fold = SecondFunction(
        case, options.emit_features, options.quiet.get("raw"), options.quiet.get("labels")
    )
    featured = second_features(keyed_by_shard(second), fold, name, shards)
    return united(
        predictions(featured, _predict(options), name)._j_data_stream,
        answers_of(rows, f"{name}/refused"),
        refused,
        answers_of(changes, f"{name}/labels-unmatched"),
    )


def _raw(read: Inputs, options: ScoreOptions) -> Any:
    """Raw blocks, in the order that the job goes by."""
    found = read("raw")
    if options.order == ON_ARRIVAL:
        return found
    return in_order(found, f"{options.name}/order/{options.shards}", options.packing.records)


def _predict(options: ScoreOptions) -> PredictFunction:
    return PredictFunction(
        options.use_case,
        options.topic("raw"),
        options.serving_target,
        options.deadline_ms,
        options.emit_features,
        client=options.client,
    )


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
