"""The job archive on real parts: every committed record once, also over kill -9."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from confluent_kafka import Producer

from millrace.archive import Archive, read
from millrace.archive.layout import date_of
from millrace.archive.progress import Progress
from millrace.archive.records import records
from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import Record, end_offsets
from millrace.kafka.readers import read as read_topic
from millrace.stack.flink import FlinkCluster
from tests.integration.commands import Env, environment, interrupted, millrace
from tests.integration.scoring import START_MS, send_in_transactions, wait_until

ARCHIVED = "tests.integration.named:ARCHIVED"
KILLED = "tests.integration.named:ARCHIVE_KILLED"
DAY_MS = 24 * 3_600_000
DEADLINE_S = 150  # a few seconds on a machine that does nothing else


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkCluster]:
    """Two TaskManagers of one slot each: a job of parallelism 2 needs both."""
    with FlinkCluster(tmp_path_factory.mktemp("flink"), task_managers=2, slots=1) as cluster:
        yield cluster


@dataclass(frozen=True)
class Kept:
    """An archive of several runs, and what the commands are told."""

    folder: Path
    env: Env
    archive: Archive


@pytest.fixture(scope="module")
def kept(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Three runs: one that Ctrl-C ends, one that goes on from there, one without its state."""
    folder = tmp_path_factory.mktemp("archived")
    archive = Archive(folder / ".millrace" / "archive", "archived")
    env = environment(bootstrap_servers, archive__checkpoint_interval_ms="500")
    run = ("run", "archive", "--use-case", ARCHIVED)
    millrace(folder, env, "topics", "apply", ARCHIVED)
    send(bootstrap_servers, "archived.raw", 0, 2_000)
    send_in_transactions(bootstrap_servers, "archived.predictions")
    # No checkpoint while it runs: what it has read is in files that nobody sees until Ctrl-C.
    rarely = {**env, "MILLRACE_ARCHIVE__CHECKPOINT_INTERVAL_MS": "3600000"}
    interrupted(folder, rarely, *run, when=lambda: any(archive.path.glob("raw/*/.*")))
    assert archived(archive) > 0
    millrace(folder, env, "archive", "compact", ARCHIVED)
    send(bootstrap_servers, "archived.raw", 2_000, 700)
    send_in_transactions(bootstrap_servers, "archived.dead-letters")
    millrace(folder, env, *run, "--once")
    send(bootstrap_servers, "archived.raw", 2_700, 300)
    # The archive itself says how far it goes.
    millrace(folder, env, *run, "--once", "--restore", "none")
    return Kept(folder, env, archive)


def send(bootstrap_servers: str, topic: str, first: int, count: int) -> None:
    """Records with nulls, headers, bytes that are no text, and timestamps over some days."""
    producer = Producer({"bootstrap.servers": bootstrap_servers, "enable.idempotence": True})
    for n in range(first, first + count):
        value = None if n % 50 == 0 else b"\xff\x00 %d" % n
        key = None if n % 70 == 0 else b"%d" % (n % 40)
        time_ms = START_MS + n * DAY_MS // 1000
        headers = [("of", b"\xff"), ("none", None), ("of", b"%d" % n)] if n % 9 == 0 else []
        producer.produce(topic, value, key, n % 2, timestamp=time_ms, headers=headers)
        producer.poll(0)
    assert producer.flush(30) == 0


def in_archive(archive: Archive, stage: str) -> Counter[Record]:
    topic = f"{archive.use_case}.{stage}"
    return Counter(record for batch in read(archive, stage) for record in records(topic, batch))


def verified(folder: Path, env: Env, use_case: str) -> dict[str, object]:
    said = millrace(folder, env, "archive", "verify", use_case, "--complete", "--json").stdout
    found: dict[str, object] = json.loads(said)
    return found


def test_every_committed_record_is_archived_as_it_is_over_ctrl_c_and_restarts(
    kept: Kept, bootstrap_servers: str
) -> None:
    for stage in ("raw", "predictions", "dead-letters"):
        topic = f"archived.{stage}"
        assert in_archive(kept.archive, stage) == Counter(
            read_topic(Cluster(bootstrap_servers), topic)
        )
    assert kept.archive.dates("raw") == [date_of(START_MS + n * DAY_MS) for n in range(4)]
    report = verified(kept.folder, kept.env, ARCHIVED)
    markers = {
        (part["stage"], part["partition"]): part["markers"]
        for part in report["partitions"]  # type: ignore[attr-defined]
    }
    # A transaction ends with a marker in each of its partitions; the aborted records count too.
    assert markers["predictions", 0] >= 5 + 2
    assert markers["raw", 0] == 0


def test_verify_finds_what_is_missing_and_what_is_there_twice(kept: Kept, tmp_path: Path) -> None:
    shutil.copytree(kept.archive.root, tmp_path / "copy")
    env = {**kept.env, "MILLRACE_ARCHIVE__PATH": "copy"}
    first, second, *_ = sorted(tmp_path.glob("copy/archived/raw/*/*.parquet"))
    hidden = first.rename(first.with_name(f".{first.name}"))
    second.with_name("twice.parquet").write_bytes(second.read_bytes())
    said = millrace(tmp_path, env, "archive", "verify", ARCHIVED, "--json", status=1).stdout
    parts = [p for p in json.loads(said)["partitions"] if p["stage"] == "raw"]
    # Which partitions a file holds depends on when the checkpoints came.
    lost, doubled = (pq.read_metadata(file).num_rows for file in (hidden, second))
    assert sum(part["missing"] for part in parts) == lost
    assert sum(part["twice"] for part in parts) == doubled


def test_a_task_manager_killed_in_the_middle_leaves_every_offset_exactly_once(
    bootstrap_servers: str, cluster: FlinkCluster, tmp_path: Path
) -> None:
    env = environment(
        bootstrap_servers, archive__parallelism="2", archive__checkpoint_interval_ms="500"
    )
    millrace(tmp_path, env, "topics", "apply", KILLED)
    send(bootstrap_servers, "archive-killed.raw", 0, 20_000)
    run = ("run", "archive", "--use-case", KILLED, "--cluster", cluster.rest_address)
    job = millrace(tmp_path, env, *run).stdout.strip()
    archive = Archive(tmp_path / ".millrace" / "archive", "archive-killed")
    wait_until(lambda: archived(archive) == 20_000, "the first records", DEADLINE_S)
    send(bootstrap_servers, "archive-killed.raw", 20_000, 20_000)
    cluster.task_managers[-1].kill()
    assert archived(archive) < 40_000
    send(bootstrap_servers, "archive-killed.raw", 40_000, 20_000)
    cluster.start_task_manager()
    wait_until(lambda: archived(archive) >= 60_000, "all records", DEADLINE_S)
    restored = cluster.get(f"/jobs/{job}/checkpoints")["counts"]["restored"]
    assert (restored, verified(tmp_path, env, KILLED)["holds"]) == (1, True)
    ends = end_offsets(Cluster(bootstrap_servers), "archive-killed.raw")
    assert sum(ends.values()) == 60_000 == sum(in_archive(archive, "raw").values())


def archived(archive: Archive) -> int:
    """How many offsets lie below the newest archived ones."""
    return sum(Progress(archive).ends("raw").values())
