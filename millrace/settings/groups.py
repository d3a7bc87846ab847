"""Every setting of a deployment: its name, type, range, default and one line about it."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

ENVIRONMENT_PREFIX = "MILLRACE_"
ENVIRONMENT_DELIMITER = "__"

_DAY_MS = 24 * 3_600_000

Count = Annotated[int, Field(ge=1)]
Milliseconds = Annotated[int, Field(ge=1)]
Port = Annotated[int, Field(ge=1, le=65_535)]


class Group(BaseModel):
    """A group of settings: frozen, and nothing in it that is not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class KafkaSettings(Group):
    """The Kafka cluster and how topics are made there."""

    bootstrap_servers: str = Field(
        default="127.0.0.1:9092", pattern=r"^[^\s,]+:\d+(,[^\s,]+:\d+)*$"
    )
    """Brokers to ask first, `host:port`, separated by commas."""
    properties: dict[str, SecretStr] = Field(default_factory=dict)
    """Client settings under Kafka's own names, such as `security.protocol`; never printed."""
    properties_file: Path | None = None
    """Client settings as a Java properties file, for example a mounted secret."""
    partitions: Count = 4
    """Partitions of a topic that is created; existing topics only ever get more."""
    replication_factor: Count | None = None
    """Replicas of a topic that is created; the cluster's own default when unset."""
    retention_ms: Annotated[int, Field(ge=-1)] = 7 * _DAY_MS
    """How long features, predictions and dead letters are kept; -1 keeps them for good."""


class ServingSettings(Group):
    """The model server."""

    target: str = Field(default="127.0.0.1:8500", min_length=1)
    """gRPC address of TensorFlow Serving or of `millrace model-server`."""
    endpoints: str = Field(default="", pattern=r"^$|^[^\s,]+:\d+(,[^\s,]+:\d+)*$")
    """Replicas, `host:port` separated by commas, which take turns; instead of the target."""
    deadline_ms: Milliseconds = 500
    """How long one call may take, retries included, before the rule answers instead."""
    retry_percent: Annotated[int, Field(ge=0, le=100)] = 20
    """Most retries per hundred calls; 0 for none."""
    max_reply_bytes: Annotated[int, Field(ge=1)] = 64 * 1024 * 1024
    """A larger reply is not taken, and the rule answers."""
    adaptive: bool = False
    """Whether rows a call and calls in flight follow what the server can do."""
    latency_objective_ms: Milliseconds = 50
    """Under `adaptive`: nearly all calls shall be answered within this."""
    tls: bool = False
    """Whether connections are encrypted; there is no way back to plain text."""
    tls_ca_file: Path | None = None
    """Certificates that the server's has to come from, PEM; the system's when unset."""
    tls_certificate_file: Path | None = None
    """Our own certificate for servers that ask for one, PEM."""
    tls_key_file: Path | None = None
    """Its private key, PEM; never printed."""
    tls_server_name: str | None = None
    """The name in the server's certificate when it is not the address."""


class ScoreSettings(Group):
    """The job `score`."""

    target: Literal["latency", "balanced", "throughput"] = "balanced"
    """What blocks, bundles and checkpoints are tuned for."""
    guarantee: Literal["exactly-once", "at-least-once"] = "exactly-once"
    """What a consumer of the predictions that reads committed data gets."""
    parallelism: Count = 2
    """Parallel instances of each stage."""
    shards: Count = 4
    """Keyed state is divided into this many parts; fixed for the life of a deployment."""
    checkpoint_interval_ms: Milliseconds | None = None
    """Time between checkpoints, and so between commits; the target decides when unset."""
    linger_ms: Annotated[int, Field(ge=0)] | None = None
    """Longest time that a record waits for its block to fill; the target decides when unset."""
    block_records: Count | None = None
    """Most records in a block; the target decides when unset."""
    features_topic: bool = False
    """Whether feature rows are written to `<use case>.features`."""
    order: Literal["on_arrival", "on_watermark"] = "on_arrival"
    """Records are scored as they come, or wait and go in the order of event time (backfill)."""
    idle_ms: Milliseconds = 60_000
    """In the order of event time, a partition that is silent for so long holds nobody back."""
    max_clock_skew_ms: Annotated[int, Field(ge=0)] = 3_600_000
    """A record whose event time is further ahead of now becomes a dead letter."""
    state_backend: Literal["rocksdb", "hashmap"] = "rocksdb"
    """Where Flink keeps keyed state: on disk, or on the heap."""
    checkpoint_dir: str | None = None
    """Where checkpoints go, a path or a URI; `checkpoints` in the state directory when unset."""
    transactional_id_prefix: str = Field(default="millrace", min_length=1)
    """Start of Kafka's transactional ids; unique to a deployment."""
    transaction_timeout_ms: Milliseconds = 600_000
    """Kafka aborts a transaction after this; longer than any outage, at most the broker's limit."""


class ArchiveSettings(Group):
    """The job `archive` and what it writes."""

    path: Path | None = None
    """Folder of the archives; `archive` in the state directory when unset."""
    checkpoint_interval_ms: Milliseconds = 60_000
    """Time between checkpoints: how long a record waits until its file is complete."""
    parallelism: Count = 1
    """Parallel writers of each topic; each leaves a file a date and checkpoint."""


class AlarmSettings(Group):
    """The job `alarms`: when the alarm of a machine goes on and off."""

    value: str = "output"
    """The field of a prediction that is watched."""
    on_below: float = 20.0
    """The alarm goes on when the value falls below this."""
    off_above: float = 40.0
    """And off when it rises above this; in between it stays as it is."""
    parallelism: Count = 1
    """Subtasks of the job."""


class StackSettings(Group):
    """The local stack: what `millrace up` starts."""

    state_dir: Path = Path(".millrace")
    """Where data, logs and configuration of the local stack go."""
    kafka_port: Port = 9092
    """Usual port of the local broker; another one is taken when it is not free."""
    serving_port: Port = 8500
    """Usual port of the local model server; another one is taken when it is not free."""
    flink_port: Port = 8081
    """Usual port of Flink's web page; another one is taken when it is not free."""
    task_managers: Count = 1
    """TaskManager processes of the local Flink cluster."""
    task_slots: Count = 2
    """Slots of each TaskManager."""
    broker_heap: str = Field(default="1g", pattern=r"^\d+[kmgKMG]$")
    """Heap of the local broker, as Java's -Xmx takes it."""


class ModelsSettings(Group):
    """Where model versions are published."""

    base_path: Path | None = None
    """Folder of the models; `models` in the state directory when unset."""
    candidates_path: Path | None = None
    """Folder of candidates, which nobody serves; `candidates` in the state directory when unset."""


class Settings(BaseSettings):
    """All settings of a deployment. `millrace.settings.load` reads them."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter=ENVIRONMENT_DELIMITER,
    )

    kafka: KafkaSettings = KafkaSettings()
    """The Kafka cluster and how topics are made there."""
    serving: ServingSettings = ServingSettings()
    """The model server."""
    score: ScoreSettings = ScoreSettings()
    """The job `score`."""
    archive: ArchiveSettings = ArchiveSettings()
    """The job `archive` and what it writes."""
    alarms: AlarmSettings = AlarmSettings()
    """The job `alarms`."""
    stack: StackSettings = StackSettings()
    """The local stack."""
    models: ModelsSettings = ModelsSettings()
    """Where model versions are published."""

    @property
    def models_path(self) -> Path:
        """Folder of the models, absolute."""
        return (self.models.base_path or self.stack.state_dir / "models").resolve()

    @property
    def candidates_path(self) -> Path:
        """Folder of the candidates, absolute."""
        return (self.models.candidates_path or self.stack.state_dir / "candidates").resolve()

    @property
    def archive_path(self) -> Path:
        """Folder of the archives, absolute."""
        return (self.archive.path or self.stack.state_dir / "archive").resolve()

    @property
    def checkpoints(self) -> str:
        """Where checkpoints go, as a URI or an absolute path."""
        return self.score.checkpoint_dir or str((self.stack.state_dir / "checkpoints").resolve())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes over what the file gave, which arrives as arguments."""
        return (env_settings, init_settings)
