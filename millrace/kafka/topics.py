"""The topics of a use case: declared once, made and mended from that declaration."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from millrace.kafka.admin import admin_client, results
from millrace.kafka.cluster import cluster
from millrace.settings import KafkaSettings, Settings
from udfs.errors import UnavailableError

RAW, FEATURES, PREDICTIONS = "raw", "features", "predictions"
DEAD_LETTERS, LABELS, CONTROL = "dead-letters", "labels", "control"
LABEL_CHANGES, REDRIVES, DUPLICATES = "label-changes", "redrives", "duplicates"
ALARMS, INGEST_POSITIONS = "alarms", "ingest-positions"

_FOR_GOOD = "-1"
_NO_LIMIT = str(2**63 - 1)
_SEEN_DEADLINE_S, _SEEN_POLL_S = 15.0, 0.05
_DEAD_LETTER_BYTES = str(16 * 1024 * 1024)


@dataclass(frozen=True)
class Topic:
    """A topic as it should be.

    Attributes:
        name: `<use case>.<stage>`.
        partitions: at least so many.
        config: topic settings that are declared; others keep the cluster's values.
        replication_factor: used at creation only; None takes the cluster's default.
    """

    name: str
    partitions: int
    config: Mapping[str, str]
    replication_factor: int | None = None


@dataclass(frozen=True)
class Change:
    """Something that `apply` did.

    Attributes:
        topic: the topic's name.
        setting: `topic` when it was created, `partitions`, or a topic setting.
        before: earlier value, None when there was none.
        after: value now.
    """

    topic: str
    setting: str
    before: str | None
    after: str


@dataclass(frozen=True)
class TopicState:
    """A declared topic as it is; `partitions` 0 when it does not exist."""

    name: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


def topics(use_case_name: str, kafka: KafkaSettings) -> tuple[Topic, ...]:
    """All topics of a use case, in the order of the data."""
    kept = str(kafka.retention_ms)
    declared = {
        # Replays write years-old records, and Kafka deletes by record timestamps.
        RAW: _by_event_time(retention=_FOR_GOOD),
        FEATURES: _by_append_time(retention=kept),
        LABEL_CHANGES: _by_append_time(retention=kept),
        PREDICTIONS: _by_append_time(retention=kept),
        # A dead letter holds a whole raw record, and base64 makes it larger.
        DEAD_LETTERS: {**_by_append_time(kept), "max.message.bytes": _DEAD_LETTER_BYTES},
        DUPLICATES: {**_by_append_time(kept), "max.message.bytes": _DEAD_LETTER_BYTES},
        LABELS: _by_event_time(retention=_FOR_GOOD),
        REDRIVES: _by_append_time(retention=_FOR_GOOD),
        INGEST_POSITIONS: {
            **_by_append_time(retention=_FOR_GOOD),
            "cleanup.policy": "compact",
        },
        CONTROL: {**_by_event_time(retention=_FOR_GOOD), "cleanup.policy": "compact"},
    }
    # One partition: the order of a rollout's steps is the order of this topic. Redrives and
    # positions are few.
    partitions = {CONTROL: 1, REDRIVES: 1, INGEST_POSITIONS: 1}
    return tuple(
        Topic(
            f"{use_case_name}.{stage}",
            partitions.get(stage, kafka.partitions),
            config,
            kafka.replication_factor,
        )
        for stage, config in declared.items()
    )


def apply_alarms(settings: Settings, use_case_name: str) -> list[Change]:
    """Creates the topic of the job `alarms` if it is missing; says what it changed.

    Raises:
        UnavailableError: no broker answers.
    """
    kafka = settings.kafka
    topic = Topic(
        f"{use_case_name}.{ALARMS}",
        kafka.partitions,
        _by_append_time(retention=_FOR_GOOD),
        kafka.replication_factor,
    )
    with admin_client(cluster(kafka)) as admin:
        changes = [] if _partitions(admin, (topic,))[topic.name] else _create(admin, [topic])
        if changes:
            _wait_until_seen(admin, (topic,))
        return changes


def apply(settings: Settings, use_case_name: str) -> list[Change]:
    """Creates what is missing, adds partitions, mends settings; says what it changed.

    Partitions are never taken away and topics never deleted. A second call changes nothing.

    Raises:
        UnavailableError: no broker answers.
    """
    declared = topics(use_case_name, settings.kafka)
    with admin_client(cluster(settings.kafka)) as admin:
        existing = _partitions(admin, declared)
        missing = [topic for topic in declared if not existing[topic.name]]
        present = [topic for topic in declared if existing[topic.name]]
        changes = [
            *_create(admin, missing),
            *_add_partitions(admin, present, existing),
            *_mend_config(admin, present),
        ]
        if changes:
            _wait_until_seen(admin, declared)
        return changes


def show(settings: Settings, use_case_name: str) -> list[TopicState]:
    """The topics of a use case as they are now, with the settings that are declared.

    Raises:
        UnavailableError: no broker answers.
    """
    declared = topics(use_case_name, settings.kafka)
    with admin_client(cluster(settings.kafka)) as admin:
        existing = _partitions(admin, declared)
        present = [topic for topic in declared if existing[topic.name]]
        config = _config(admin, present)
    return [TopicState(t.name, existing[t.name], config.get(t.name, {})) for t in declared]


def _by_event_time(retention: str) -> dict[str, str]:
    """The record's timestamp is the producer's: event time."""
    return {
        "message.timestamp.type": "CreateTime",
        # A record from the future has to reach the job, which makes a dead letter of it.
        "message.timestamp.after.max.ms": _NO_LIMIT,
        "retention.ms": retention,
        "cleanup.policy": "delete",
    }


def _by_append_time(retention: str) -> dict[str, str]:
    """The timestamp is the broker's, so answers to a replay of old records are kept as long."""
    return {
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": retention,
        "cleanup.policy": "delete",
    }


def _partitions(admin: AdminClient, declared: tuple[Topic, ...]) -> dict[str, int]:
    known = admin.list_topics(timeout=10).topics
    return {t.name: len(known[t.name].partitions) if t.name in known else 0 for t in declared}


def _create(admin: AdminClient, missing: list[Topic]) -> list[Change]:
    if missing:
        results(admin.create_topics([_new(topic) for topic in missing]))
    return [Change(t.name, "topic", None, f"{t.partitions} partitions") for t in missing]


def _new(topic: Topic) -> NewTopic:
    replicas = -1 if topic.replication_factor is None else topic.replication_factor
    return NewTopic(topic.name, topic.partitions, replicas, config=dict(topic.config))


def _add_partitions(
    admin: AdminClient, present: list[Topic], existing: Mapping[str, int]
) -> list[Change]:
    short = [topic for topic in present if existing[topic.name] < topic.partitions]
    if short:
        results(admin.create_partitions([NewPartitions(t.name, t.partitions) for t in short]))
    return [Change(t.name, "partitions", str(existing[t.name]), str(t.partitions)) for t in short]


def _mend_config(admin: AdminClient, present: list[Topic]) -> list[Change]:
    actual = _config(admin, present)
    changes = [
        Change(topic.name, name, actual[topic.name].get(name), value)
        for topic in present
        for name, value in topic.config.items()
        if actual[topic.name].get(name) != value
    ]
    resources = [
        ConfigResource(
            ResourceType.TOPIC,
            name,
            incremental_configs=[
                ConfigEntry(c.setting, c.after, incremental_operation=AlterConfigOpType.SET)
                for c in changes
                if c.topic == name
            ],
        )
        for name in sorted({change.topic for change in changes})
    ]
    if resources:
        results(admin.incremental_alter_configs(resources))
    return changes


def _wait_until_seen(admin: AdminClient, declared: tuple[Topic, ...]) -> None:
    """A cluster agrees to a change before its brokers know of it; the next command has to."""
    deadline = time.monotonic() + _SEEN_DEADLINE_S
    while not _as_declared(admin, declared):
        if time.monotonic() > deadline:
            raise UnavailableError(
                f"the cluster accepted the topics but does not show them after "
                f"{_SEEN_DEADLINE_S:.0f} s"
            )
        time.sleep(_SEEN_POLL_S)


def _as_declared(admin: AdminClient, declared: tuple[Topic, ...]) -> bool:
    existing = _partitions(admin, declared)
    if any(existing[topic.name] < topic.partitions for topic in declared):
        return False
    actual = _config(admin, list(declared))
    return all(actual[topic.name] == topic.config for topic in declared)


def _config(admin: AdminClient, present: list[Topic]) -> dict[str, dict[str, str]]:
    """Values of the declared settings, by topic."""
    if not present:
        return {}
    wanted = {topic.name: topic.config for topic in present}
    answers = results(
        admin.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in wanted])
    )
    return {
        resource.name: {name: entries[name].value for name in wanted[resource.name]}
        for resource, entries in answers.items()
    }
