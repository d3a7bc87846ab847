"""Windows filled from an archive on real parts, in this process; on a cluster: `test_cluster`."""

import shutil
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from jobs.filling import Bootstrap
from jobs.local import running
from jobs.options import score_options
from jobs.score import ON_WATERMARK
from millrace.archive import PLAIN_SCHEMA, Archive
from millrace.archive.continuing import Choice, Continuation, continuation
from millrace.archive.layout import date_of
from millrace.archive.verification import verify
from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import end_offsets
from millrace.kafka.readers import read as read_topic
from millrace.settings import (
    KafkaSettings,
    ScoreSettings,
    ServingSettings,
    Settings,
    StackSettings,
)
from millrace.stack.jars import ensure_flink_jars
from tests.integration.named import BOOT_REVISED
from tests.integration.scoring import NO_SERVER, Kafka, send_in_transactions, transactions
from tests.integration.test_labels import expected, is_fraud, labels
from tests.integration.topics import settle
from udfs.errors import ConfigurationError
from udfs.use_cases.fraud import Transaction

CASES = "tests.integration.named"
HISTORY, LIVE = 600, 160
"""Records an hour apart; the live ones span less than the labels' delay of a week."""


def settings_of(bootstrap_servers: str, state: Path) -> Settings:
    return Settings(
        kafka=KafkaSettings(bootstrap_servers=bootstrap_servers, partitions=2),
        serving=ServingSettings(target=NO_SERVER),
        score=ScoreSettings(
            order=ON_WATERMARK, parallelism=1, features_topic=True, checkpoint_interval_ms=500
        ),
        stack=StackSettings(state_dir=state),
    )


def under(settings: Settings, prefix: str) -> Settings:
    """The same for a deployment of another name."""
    score = settings.score.model_copy(update={"transactional_id_prefix": prefix})
    return settings.model_copy(update={"score": score})


def copied(settings: Settings, kafka: Kafka) -> Archive:
    """The topics in files as the job archive would write them, at once: one a date."""
    kept, broker = Archive(settings.archive_path, kafka.name), Cluster(kafka.bootstrap_servers)
    for stage in ("raw", "labels"):
        days = defaultdict(list)
        for record in read_topic(broker, f"{kafka.name}.{stage}"):
            days[date_of(record.timestamp_ms)].append(record)
        for day, records in days.items():
            folder = kept.folder(stage, day)
            folder.mkdir(parents=True)
            columns = {name: [getattr(r, name) for r in records] for name in PLAIN_SCHEMA.names}
            pq.write_table(pa.table(columns, schema=PLAIN_SCHEMA), folder / "part-0.parquet")
    return kept


def bootstrapped(asked: Bootstrap) -> dict[str, Continuation]:
    """Fills the windows of a deployment, as the command does."""
    found = asked.continuations()
    asked.prepare(found, lambda count: None)
    with running(asked.options(), ensure_flink_jars(), asked.folder / "logs") as job:
        job.wait(until=asked.filled)
    asked.finish()
    return found


def score(settings: Settings, use_case: str) -> None:
    """Runs the job over what its deployment has not read yet."""
    options = score_options(settings, use_case, bounded=True)
    with running(options, ensure_flink_jars(), settings.stack.state_dir / "logs") as job:
        job.wait()


def history() -> tuple[list[Transaction], list[Transaction]]:
    records = transactions(HISTORY + LIVE)
    return records[:HISTORY], records[HISTORY:]


def test_a_new_feature_spec_takes_over_exactly_where_the_old_deployment_ended(
    bootstrap_servers: str, state: Path
) -> None:
    use_case = f"{CASES}:BOOT_AFTER"
    settings = settings_of(bootstrap_servers, state)
    kafka = Kafka(bootstrap_servers, "boot-after").create()
    past, live = history()
    kafka.send(past[:400])
    kafka.send_labels(labels(past[:200]))
    score(settings, use_case)
    # A short run may end before Flink has committed anything.
    commit(Cluster(bootstrap_servers), "millrace-boot-after-once", "boot-after")
    # The archive has more than the old deployment has scored: the rest is scored now.
    kafka.send(past[400:])
    kafka.send_labels(labels(past[200:]))
    copied(settings, kafka)
    kafka.send(live)
    new, revised = under(settings, "new"), f"{CASES}:BOOT_REVISED"
    asked = Bootstrap(
        new, revised, settings.archive_path, bounded=True, after="millrace-boot-after-once"
    )
    assert bootstrapped(asked)["raw"].records == 400
    # Nothing of the past is written.
    assert (len(kafka.features()), asked.needed) == (400, False)
    score(new, revised)
    whole, rows = expected([*past, *live]), kafka.features()
    assert len(rows) == len(kafka.predictions()) == HISTORY + LIVE
    later = {record.transaction_id for record in [*past[400:], *live]}
    fresh = [row for row in rows if row.feature_spec_hash == BOOT_REVISED.spec.hash]
    assert {int(row.business_id): row.features for row in fresh} == {i: whole[i] for i in later}
    assert len(kafka.label_changes()) == sum(map(is_fraud, past))


def test_what_is_in_neither_archive_nor_topic_is_refused(
    bootstrap_servers: str, state: Path
) -> None:
    settings = settings_of(bootstrap_servers, state)
    kafka = Kafka(bootstrap_servers, "holes", partitions=1).create()
    kafka.send(transactions(200))
    kept = copied(settings, kafka)
    kafka.send(transactions(20))
    broker = Cluster(bootstrap_servers)

    def found(choice: Choice | None = None) -> Continuation:
        return continuation(broker, kept, "raw", choice or Choice())

    assert found() == Continuation({0: 0}, {0: 200}, 200, frozenset({0}), 0, 0)
    since_ms = transactions(200)[150].event_time_ms
    assert found(Choice(since_ms)).start == {0: 150}
    whole = sorted(kept.path.glob("raw/*/*.parquet"))
    removed = whole[3].rename(state / "removed")
    gap = pq.read_table(removed, columns=["offset"])["offset"].to_pylist()
    with pytest.raises(ConfigurationError, match=f"lacks a record .* offset {min(gap)}:"):
        found()
    assert found(Choice(since_ms)).records == 50
    delete(broker, "holes.raw", 200)
    with pytest.raises(
        ConfigurationError, match=rf"{len(gap)} offsets .* {min(gap)} to {max(gap)}"
    ):
        found()
    assert found(Choice(accept_gaps=True)).unknown == len(gap)
    whole[0].unlink()
    assert found(Choice(accept_gaps=True)).deleted > 0
    delete(broker, "holes.raw", 201)
    with pytest.raises(ConfigurationError, match=r"offsets 200 to 200.*before they were archived"):
        found()
    ahead = found(Choice(accept_gaps=True))
    assert (ahead.begin, ahead.unknown) == ({0: 201}, len(gap) + 1)
    with pytest.raises(ConfigurationError, match=r"end before offset 150 of holes\.raw"):
        continuation(broker, kept, "raw", Choice(accept_gaps=True), {0: 150})


def test_markers_that_verify_has_seen_are_no_gap_once_the_topic_has_deleted_them(
    bootstrap_servers: str, state: Path
) -> None:
    settings = settings_of(bootstrap_servers, state)
    kafka, broker = Kafka(bootstrap_servers, "marked").create(), Cluster(bootstrap_servers)
    send_in_transactions(bootstrap_servers, "marked.raw")
    settle(bootstrap_servers, "marked.raw")
    kept = copied(settings, kafka)
    unseen = Archive(kept.root.with_name("unseen"), kept.use_case)
    shutil.copytree(kept.root, unseen.root)
    list(verify(broker, unseen, ("raw",)))
    first = list(verify(broker, kept, ("raw",), keep=True))
    assert [(check.archived, check.unknown, check.holds) for check in first] == [(10, 0, True)] * 2
    # All of them: the last, behind the newest record, is a marker as well.
    ends = end_offsets(broker, "marked.raw")
    for partition, end in ends.items():
        delete(broker, "marked.raw", end, partition)
    with pytest.raises(ConfigurationError, match="markers of transactions which no"):
        continuation(broker, unseen, "raw", Choice())
    beyond = continuation(broker, kept, "raw", Choice())
    assert (beyond.unknown, beyond.begin) == (0, ends)
    # Five aborted records and two markers lie between the archived ones of each partition.
    assert [check.markers for check in verify(broker, kept, ("raw",))] == [7, 7]
    assert [check.unknown for check in verify(broker, unseen, ("raw",))] == [7, 7]


def test_the_archive_of_another_topic_is_refused(bootstrap_servers: str, state: Path) -> None:
    settings = settings_of(bootstrap_servers, state)
    longer = Kafka(bootstrap_servers, "longer", partitions=1).create()
    longer.send(transactions(20))
    kept = copied(settings, longer)
    shorter = Kafka(bootstrap_servers, "shorter", partitions=1).create()
    shorter.send(transactions(5))
    kept.path.rename(kept.root / "shorter")
    with pytest.raises(ConfigurationError, match="the archive of another topic"):
        continuation(Cluster(bootstrap_servers), Archive(kept.root, "shorter"), "raw", Choice())


def commit(broker: Cluster, group: str, name: str) -> None:
    """Commits the ends of raw and labels for a group, as its job does after a checkpoint."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    places = [
        TopicPartition(topic, partition, end)
        for topic in (f"{name}.raw", f"{name}.labels")
        for partition, end in end_offsets(broker, topic).items()
    ]
    asked = [ConsumerGroupTopicPartitions(group, places)]
    for done in admin.alter_consumer_group_offsets(asked).values():
        done.result(30)


def delete(broker: Cluster, topic: str, before: int, partition: int = 0) -> None:
    """Deletes a topic's records before an offset, as retention does."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    for done in admin.delete_records([TopicPartition(topic, partition, before)]).values():
        done.result(30)
