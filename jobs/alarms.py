"""The job `alarms`: predictions in; out comes each time that an entity's alarm goes on or off.

An alarm goes on when the predicted value falls below one threshold and off when it rises above a
higher one; in between it stays as it is. That is one pass over the crossings of either threshold
and one look back an entity, which Flink's SQL does in the JVM: the state is one value an entity,
under Flink's checkpoints, and no Python worker is started.

Key: the entity. Time: order of arrival; predictions that are late do not count. State: the last
crossing of each entity, for good. A prediction that is no JSON object stops the job.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from jobs.environment import environment
from jobs.targets import Target
from udfs.errors import ConfigurationError

_PREDICTION = """
    prediction_id STRING, business_id STRING, entity_key BIGINT, event_time_ms BIGINT,
    `value` DOUBLE, model_name STRING, model_version INT, route STRING, `late` BOOLEAN
"""


@dataclass(frozen=True)
class AlarmOptions:
    """Everything the job takes, resolved: settings and command line.

    Attributes:
        name: the use case's name; topics are `<name>.<stage>`.
        value: the field of the prediction that is watched.
        on_below: the alarm goes on when the value is below this.
        off_above: and off when it is above this, which is not lower.
        bootstrap_servers: Kafka.
        checkpoint_dir: URI that client and cluster reach.
        deployment: unique name; consumer group and transactional ids begin with it.
        target: what the job is tuned for.
        parallelism: subtasks of every stage.
        exactly_once: the sink's guarantee; checkpoints always are.
        bounded: end at the offsets that are the newest at the start.
        transaction_timeout_ms: an outage longer than this loses what was not yet committed.
        state_backend: `rocksdb` or `hashmap`.
        kafka_properties: client properties for security and the like.
        flink: Flink configuration over everything else.
    """

    name: str
    value: str
    on_below: float
    off_above: float
    bootstrap_servers: str
    checkpoint_dir: str
    deployment: str
    target: Target
    parallelism: int = 1
    exactly_once: bool = True
    bounded: bool = False
    transaction_timeout_ms: int = 600_000
    state_backend: str = "rocksdb"
    kafka_properties: Mapping[str, str] = field(default_factory=dict)
    flink: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.off_above < self.on_below:
            raise ConfigurationError(
                f"an alarm goes off above {self.off_above:g}, which is lower than the "
                f"{self.on_below:g} below which it goes on: it would be on and off at once"
            )

    @property
    def job_name(self) -> str:
        """What Flink's interface shows."""
        return f"alarms {self.name} ({self.deployment})"


def build(options: AlarmOptions, jars: tuple[Path, ...] = ()) -> StreamExecutionEnvironment:
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
    tables = StreamTableEnvironment.create(env)
    tables.execute_sql(_source(options))
    tables.execute_sql(_sink(options))
    statements = tables.create_statement_set()
    statements.add_insert_sql(_changes(options))
    statements.attach_as_datastream()
    return env


def _changes(options: AlarmOptions) -> str:
    """Of the predictions beyond either threshold, those whose side is not the last one's."""
    below, above = f"{options.on_below!r}E0", f"{options.off_above!r}E0"
    return f"""
        INSERT INTO alarms SELECT
            CAST(entity_key AS STRING), prediction_id, business_id, entity_key, event_time_ms,
            alarm, `value`, {below}, {above}, model_name, model_version, route
        FROM (
            SELECT *, LAG(alarm) OVER (PARTITION BY entity_key ORDER BY arrival) AS before
            FROM (
                SELECT *, PROCTIME() AS arrival, `value` < {below} AS alarm
                FROM predictions
                WHERE NOT `late` AND (`value` < {below} OR `value` > {above})
            )
        )
        WHERE alarm <> COALESCE(before, FALSE)
    """


def _source(options: AlarmOptions) -> str:
    fields = _PREDICTION.replace("`value`", f"`{options.value}`")
    properties = {
        **options.kafka_properties,
        "bootstrap.servers": options.bootstrap_servers,
        "group.id": options.deployment,
        "isolation.level": "read_committed",
    }
    bounded = {"scan.bounded.mode": "latest-offset"} if options.bounded else {}
    settings = {
        "connector": "kafka",
        "topic": f"{options.name}.predictions",
        "scan.startup.mode": "earliest-offset",
        "value.format": "json",
        **bounded,
        **{f"properties.{key}": value for key, value in properties.items()},
    }
    aliased = f"{fields}, {_alias(options.value)}"
    return f"CREATE TEMPORARY TABLE predictions ({aliased}) WITH ({_quoted(settings)})"


def _alias(value: str) -> str:
    return f"`value` AS `{value}`"


def _sink(options: AlarmOptions) -> str:
    properties = {
        **options.kafka_properties,
        "bootstrap.servers": options.bootstrap_servers,
        "acks": "all",
        "transaction.timeout.ms": str(options.transaction_timeout_ms),
    }
    settings = {
        "connector": "kafka",
        "topic": f"{options.name}.alarms",
        "key.format": "raw",
        "key.fields": "kafka_key",
        "key.fields-prefix": "kafka_",
        "value.format": "json",
        "value.fields-include": "EXCEPT_KEY",
        "sink.delivery-guarantee": "exactly-once" if options.exactly_once else "at-least-once",
        "sink.transactional-id-prefix": f"{options.deployment}/alarms",
        **{f"properties.{key}": value for key, value in properties.items()},
    }
    return f"""CREATE TEMPORARY TABLE alarms (
        kafka_key STRING, prediction_id STRING, business_id STRING, entity_key BIGINT,
        event_time_ms BIGINT, alarm BOOLEAN, `value` DOUBLE, on_below DOUBLE, off_above DOUBLE,
        model_name STRING, model_version INT, route STRING
    ) WITH ({_quoted(settings)})"""


def _quoted(settings: Mapping[str, str]) -> str:
    def text(value: str) -> str:
        return "'" + value.replace("'", "''") + "'"

    return ", ".join(f"{text(key)} = {text(value)}" for key, value in settings.items())
