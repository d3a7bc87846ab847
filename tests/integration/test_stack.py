"""The local stack on real processes: topics, transactions, up, down, crashes, Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka import TopicPartition as Place
from kafka import KafkaConsumer, TopicPartition

from millrace.kafka.cluster import Cluster
from millrace.kafka.groups import committed_offsets
from millrace.kafka.readers import end_offsets, first_offsets, follow, read
from millrace.kafka.topics import Change, TopicState, apply, show, topics
from millrace.settings import KafkaSettings, Settings
from millrace.sources.produce import at_rate, produce
from millrace.sources.records import RawRecord
from millrace.stack.broker import LONG_SESSION_MS, SHORT_SESSION_MS, Broker, session_ms
from millrace.stack.flink import FlinkCluster
from millrace.stack.ports import HOST
from millrace.stack.processes import group_members, wait_until
from udfs.errors import ConfigurationError, EnvironmentFault, UnavailableError


def settings(bootstrap_servers: str, **kafka: Any) -> Settings:
    return Settings(kafka=KafkaSettings(bootstrap_servers=bootstrap_servers, **kafka))


def test_topics_are_made_as_declared_and_a_second_call_changes_nothing(
    bootstrap_servers: str,
) -> None:
    chosen = settings(bootstrap_servers, partitions=2)
    first, second = apply(chosen, "made"), apply(chosen, "made")
    declared = topics("made", chosen.kafka)
    assert [change.topic for change in first] == [topic.name for topic in declared]
    assert (second, show(chosen, "made")) == (
        [],
        [TopicState(topic.name, topic.partitions, topic.config) for topic in declared],
    )


def test_apply_adds_partitions_and_mends_settings_but_takes_nothing_away(
    bootstrap_servers: str,
) -> None:
    apply(settings(bootstrap_servers, partitions=2, retention_ms=1_000), "mended")
    larger = settings(bootstrap_servers, partitions=3, retention_ms=2_000)
    more = apply(larger, "mended")
    less = apply(settings(bootstrap_servers, partitions=1, retention_ms=2_000), "mended")
    declared = topics("mended", larger.kafka)
    wider = [topic.name for topic in declared if topic.partitions == 3]
    kept = [topic.name for topic in declared if topic.config.get("retention.ms") == "2000"]
    assert {"mended.raw", "mended.labels"} <= set(wider) - set(kept)
    assert {"mended.predictions", "mended.dead-letters"} <= set(kept)
    assert (more, less) == (
        [Change(name, "partitions", "2", "3") for name in wider]
        + [Change(name, "retention.ms", "1000", "2000") for name in kept],
        [],
    )


def test_readers_see_committed_records_only_as_another_client_does(bootstrap_servers: str) -> None:
    cluster = Cluster(bootstrap_servers)
    apply(settings(bootstrap_servers, partitions=1), "transactions")
    topic = "transactions.predictions"
    open_producer = _transactions(bootstrap_servers, topic)
    ours = [record.value for record in read(cluster, topic)]
    everything = [record.value for record in read(cluster, topic, committed=False)]
    ends = [end_offsets(cluster, topic, committed=committed)[0] for committed in (True, False)]
    theirs = _kafka_python(bootstrap_servers, topic)
    open_producer.abort_transaction()
    assert (ours, theirs) == ([b"0", b"1", b"4", b"5"], ours)
    # Two commit markers and one abort marker take an offset each.
    assert (everything, ends) == ([b"0", b"1", b"2", b"3", b"4", b"5", b"open"], [9, 10])


def test_a_range_is_read_between_its_offsets(bootstrap_servers: str) -> None:
    cluster = Cluster(bootstrap_servers)
    apply(settings(bootstrap_servers, partitions=1), "ranges")
    producer = Producer({"bootstrap.servers": bootstrap_servers})
    for number in range(10):
        producer.produce("ranges.raw", str(number), b"key", timestamp=1_700_000_000_000 + number)
    producer.flush(30)
    found = list(read(cluster, "ranges.raw", start={0: 3}, end={0: 5}))
    assert [(r.offset, r.key, r.value, r.timestamp_ms % 100) for r in found] == [
        (3, b"key", b"3", 3),
        (4, b"key", b"4", 4),
    ]
    assert (first_offsets(cluster, "ranges.raw"), list(read(cluster, "ranges.labels"))) == (
        {0: 0},
        [],
    )


def test_following_starts_at_the_end_and_gives_what_comes(bootstrap_servers: str) -> None:
    apply(settings(bootstrap_servers, partitions=1), "tailed")
    producer = Producer({"bootstrap.servers": bootstrap_servers})
    producer.produce("tailed.raw", b"before")
    producer.flush(30)
    oldest = next(follow(Cluster(bootstrap_servers), "tailed.raw", from_beginning=True))
    asked = 0

    def send_once() -> bool:
        """Asked before each poll: the second time the consumer has its place already."""
        nonlocal asked
        asked += 1
        if asked == 2:
            producer.produce("tailed.raw", b"after")
            producer.flush(30)
        return False

    newest = next(follow(Cluster(bootstrap_servers), "tailed.raw", stopped=send_once))
    assert (oldest.value, newest.value) == (b"before", b"after")


def test_a_missing_topic_is_named(bootstrap_servers: str) -> None:
    with pytest.raises(ConfigurationError, match="there is no topic nowhere at"):
        list(read(Cluster(bootstrap_servers), "nowhere"))


def test_a_broker_keeps_its_topics_and_is_gone_after_its_block(tmp_path: Path) -> None:
    with Broker(tmp_path, heap="256m") as broker:
        assert session_ms(broker.data) == SHORT_SESSION_MS
        apply(settings(broker.bootstrap_servers, partitions=1), "kept")
        pid = broker.process.pid if broker.process else 0
    gone = group_members(pid)
    with pytest.raises(UnavailableError, match="no Kafka broker answers"):
        show(settings(broker.bootstrap_servers), "kept")
    assert session_ms(broker.data) == LONG_SESSION_MS
    with Broker(tmp_path, heap="256m") as again:
        found = show(settings(again.bootstrap_servers), "kept")
    assert (gone, {topic.partitions for topic in found}) == ([], {1})


def test_records_and_readers_ride_out_moments_without_a_leader(tmp_path: Path) -> None:
    # Shorter than the time between two heartbeats: the broker loses the lead every two seconds.
    flapping = {"broker.session.timeout.ms": "1000", "broker.heartbeat.interval.ms": "2000"}
    with Broker(tmp_path, heap="256m", overrides=flapping) as broker:
        cluster = Cluster(broker.bootstrap_servers)
        apply(settings(broker.bootstrap_servers, partitions=2), "led")
        sent = (RawRecord(b"%d" % n, b"%d" % n, 1_700_000_000_000 + n) for n in range(4_000))
        produced = produce(sent, topic="led.raw", cluster=cluster, pace=at_rate(1_000))
        before = _times_fenced(broker)
        assert wait_until(lambda: _times_fenced(broker) > before, 30)
        ends = sum(end_offsets(cluster, "led.raw").values())
        found = {record.value for record in read(cluster, "led.raw")}
    assert (produced.delivered, len(found), ends) == (4_000, 4_000, 4_000)
    assert before > 0


def test_a_group_is_asked_for_before_a_new_broker_has_its_coordinator(tmp_path: Path) -> None:
    with Broker(tmp_path, heap="256m") as broker:
        cluster = Cluster(broker.bootstrap_servers)
        apply(settings(broker.bootstrap_servers, partitions=2), "asked")
        nothing = committed_offsets(cluster, "readers", "asked.raw")
        kafka = {"bootstrap.servers": broker.bootstrap_servers, "group.id": "readers"}
        with closing(Consumer(kafka)) as consumer:
            consumer.commit(offsets=[Place("asked.raw", 1, 7)], asynchronous=False)
        found = committed_offsets(cluster, "readers", "asked.raw")
    assert (nothing, found) == ({}, {1: 7})


def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    broker = Broker(tmp_path, overrides={"log.retention.check.interval.ms": "soon"})
    with pytest.raises(EnvironmentFault, match=r"Kafka could not format .*soon"):
        broker.start()


def test_a_broker_that_ends_while_it_starts_says_why(tmp_path: Path) -> None:
    (tmp_path / "kafka" / "data").mkdir(parents=True)
    (tmp_path / "kafka" / "data" / "meta.properties").write_text("version=1\nnode.id=2\n")
    broker = Broker(tmp_path, heap="256m")
    with pytest.raises(EnvironmentFault, match=r"(?s)ended while.*meta\.properties"):
        broker.start()
    assert broker.process is None


def test_a_lost_task_manager_is_replaced_by_another(tmp_path: Path) -> None:
    with FlinkCluster(tmp_path, task_managers=1, slots=1) as cluster:
        (lost,) = cluster.task_managers
        os.kill(lost.pid, signal.SIGKILL)
        noticed = wait_until(lambda: cluster.slots() == 0, 30)
        cluster.start_task_manager()
        cluster.wait_for_slots(1)
        found = [process.alive() for process in cluster.task_managers]
        pids = [process.pid for process in cluster.task_managers]
    left = [pid for pid in pids if group_members(pid)]
    assert (noticed, found, left) == (True, [False, True], [])


def test_up_finds_other_ports_outlives_its_command_and_down_leaves_nothing(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        env = {"MILLRACE_STACK__KAFKA_PORT": str(taken.getsockname()[1])}
        started = _millrace(tmp_path, "up", "--json", **env)
    assert started.returncode == 0, started.stderr
    parts = {part["part"]: part for part in json.loads(started.stdout)}
    applied = _millrace(tmp_path, "topics", "apply", "--json")
    pids = [pid for part in parts.values() for pid in part["pids"]]
    os.kill(parts["flink"]["pids"][-1], signal.SIGKILL)
    status = _millrace(tmp_path, "status")
    down = _millrace(tmp_path, "down")
    left = [pid for pid in pids if group_members(pid)]
    assert list(parts) == ["broker", "model-server", "flink"]
    assert (len(json.loads(applied.stdout)), len(pids)) == (10, 4)
    assert (status.returncode, "ended: Flink taskmanager-1" in status.stdout) == (1, True)
    assert (down.returncode, left, _recorded(tmp_path)) == (0, [], [])


def test_ctrl_c_during_up_leaves_nothing(tmp_path: Path) -> None:
    command = subprocess.Popen(_command("up", "--only", "broker"), cwd=tmp_path, env=_env())
    assert wait_until(lambda: bool(_recorded(tmp_path)), 30)
    (pid,) = _recorded(tmp_path)
    command.send_signal(signal.SIGINT)
    assert (command.wait(30), group_members(pid), _recorded(tmp_path)) == (130, [], [])


def test_a_killed_up_is_cleared_by_down(tmp_path: Path) -> None:
    command = subprocess.Popen(_command("up", "--only", "broker"), cwd=tmp_path, env=_env())
    assert wait_until(lambda: bool(_recorded(tmp_path)), 30)
    (pid,) = _recorded(tmp_path)
    command.kill()
    command.wait(30)
    before = group_members(pid)
    down = _millrace(tmp_path, "down")
    assert (before, down.stdout, group_members(pid)) == ([pid], "stopped Kafka broker\n", [])


def _times_fenced(broker: Broker) -> int:
    return broker.log_path.read_text().count("Fencing broker 1")


def _transactions(bootstrap_servers: str, topic: str) -> Producer:
    """Two records a transaction: committed, aborted, committed; then one left open."""
    producer = Producer({"bootstrap.servers": bootstrap_servers, "transactional.id": topic})
    producer.init_transactions(30)
    for number, commit in enumerate((True, False, True)):
        producer.begin_transaction()
        for record in (2 * number, 2 * number + 1):
            producer.produce(topic, str(record))
        producer.flush(30)
        (producer.commit_transaction if commit else producer.abort_transaction)()
    producer.begin_transaction()
    producer.produce(topic, "open")
    producer.flush(30)
    return producer


def _kafka_python(bootstrap_servers: str, topic: str) -> list[bytes]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers, isolation_level="read_committed")
    place = TopicPartition(topic, 0)
    consumer.assign([place])
    consumer.seek_to_beginning()
    found: list[bytes] = []
    deadline = time.monotonic() + 30
    while consumer.position(place) < consumer.end_offsets([place])[place]:
        assert time.monotonic() < deadline
        found += [message.value for message in consumer.poll(200).get(place, [])]
    consumer.close()
    return found


def _recorded(folder: Path) -> list[int]:
    file = folder / ".millrace" / "stack.json"
    return [row["pid"] for row in json.loads(file.read_text())] if file.exists() else []


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "millrace", *arguments]


def _env(**more: str) -> dict[str, str]:
    own = {k: v for k, v in os.environ.items() if not k.startswith("MILLRACE_")}
    return {**own, "MILLRACE_STACK__BROKER_HEAP": "256m", **more}


def _millrace(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        _command(*arguments),
        cwd=folder,
        env=_env(**env),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done
