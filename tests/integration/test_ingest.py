"""Ingest on a real broker: every line once, whatever happens in the middle."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from threading import Event

import pytest

from millrace.ingest.files import FileIngest, Options
from millrace.ingest.listing import Listing
from millrace.ingest.transactions import Fenced, Source, transactions
from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import Record, read
from millrace.kafka.topics import apply
from millrace.settings import KafkaSettings, Settings
from tests.integration import named
from tests.integration.commands import environment, millrace
from tests.integration.scoring import START_MS, wait_until
from udfs.use_cases.contract import UseCase

NAMED = "tests.integration.named:"
HEADER = "transaction_id,customer_id,terminal_id,amount_cents,event_time_ms,file\n"
CRASHING = """
import os, signal, sys, threading
from pathlib import Path
from millrace.ingest import transactions as module
from millrace.ingest.files import FileIngest, Options
from millrace.ingest.listing import Listing
from millrace.kafka.cluster import Cluster
from tests.integration import named

class Crashing(module.Transactions):
    sent = 0
    def send(self, *record):
        super().send(*record)
        Crashing.sent += 1
        if Crashing.sent == {after}:
            self.producer.flush(30)
            os.kill(os.getpid(), signal.SIGKILL)

module.Transactions = Crashing
source = module.Source(Cluster({servers!r}), "ingested", "files", "millrace-ingested/ingest/files")
with module.transactions(source) as to:
    FileIngest(named.INGESTED, Listing([Path({folder!r})]), to, Options(batch_records=40),
               stop=threading.Event()).run()
"""


class Raw:
    """The raw topic of a use case whose topics are made."""

    def __init__(self, servers: str, use_case: UseCase) -> None:
        self.cluster, self.use_case = Cluster(servers), use_case
        apply(Settings(kafka=KafkaSettings(bootstrap_servers=servers, partitions=2)), use_case.name)

    def committed(self) -> list[Record]:
        """What a consumer that reads committed sees now."""
        return list(read(self.cluster, f"{self.use_case.name}.raw"))

    def wait_for(self, count: int) -> list[Record]:
        """The records, once there are so many."""
        found: list[Record] = []

        def enough() -> bool:
            found[:] = self.committed()
            return len(found) >= count

        wait_until(enough, f"{count} records in {self.use_case.name}.raw")
        return found

    def source(self, name: str = "files") -> Source:
        """As the command has it."""
        case = self.use_case.name
        return Source(self.cluster, case, name, f"millrace-{case}/ingest/{name}")

    def ingest(self, paths: list[Path], on_progress: Callable[[object], None]) -> None:
        """Files in this process, in transactions of 40."""
        with transactions(self.source()) as to:
            FileIngest(
                self.use_case,
                Listing(paths),
                to,
                Options(batch_records=40),
                stop=Event(),
                on_progress=on_progress,
            ).run()


def row(n: int, file: str) -> dict[str, object]:
    """A transaction that says from which file it is."""
    return {
        "transaction_id": n,
        "customer_id": n % 13,
        "terminal_id": 3,
        "amount_cents": 100 + n,
        "event_time_ms": START_MS + n,
        "file": file,
    }


def csv_lines(count: int, file: str) -> str:
    return "".join(",".join(map(str, row(n, file).values())) + "\n" for n in range(count))


def json_lines(first: int, count: int, file: str) -> str:
    return "".join(json.dumps(row(n, file)) + "\n" for n in range(first, first + count))


def numbers(records: list[Record]) -> dict[str, dict[int, list[int]]]:
    """The numbers of the transactions by file and partition, in the order of the topic."""
    found: dict[str, dict[int, list[int]]] = {}
    for record in records:
        value = json.loads(record.value or b"")
        assert (record.key, record.timestamp_ms) == (
            str(value["customer_id"]).encode(),
            value["event_time_ms"],
        )
        by_partition = found.setdefault(value["file"], {})
        by_partition.setdefault(record.partition, []).append(value["transaction_id"])
    return found


def require_each_once_in_order(records: list[Record], counts: dict[str, int]) -> None:
    """Each line of the files once, and those of a file in order within each partition."""
    found = numbers(records)
    assert {file: Counter(chain(*by.values())) for file, by in found.items()} == {
        file: Counter(range(count)) for file, count in counts.items()
    }
    assert all(one == sorted(one) for by in found.values() for one in by.values())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def test_files_are_ingested_once_over_a_crash_in_a_transaction(
    bootstrap_servers: str, folder: Path
) -> None:
    raw, env = Raw(bootstrap_servers, named.INGESTED), environment(bootstrap_servers)
    (folder / "a.csv").write_text(HEADER + csv_lines(100, "a"))
    (folder / "b.jsonl").write_text(json_lines(0, 100, "b"))
    (folder / "odd.jsonl").write_bytes(b'not json\n{"customer_id": 7}\n\n')
    # The first crash is in the first file and the second in the next one, between two commits.
    for after, committed in ((90, 80), (70, 120)):
        code = CRASHING.format(servers=bootstrap_servers, folder=str(folder), after=after)
        killed = subprocess.run([sys.executable, "-c", code], check=False)
        assert (killed.returncode, len(raw.wait_for(committed))) == (-9, committed)
    with (folder / "b.jsonl").open("a") as file:
        file.write(json_lines(100, 50, "b") + '{"half a line"')
    (folder / "c.jsonl").write_text(json_lines(0, 20, "c"))
    command = ("ingest", NAMED + "INGESTED", str(folder), "--json")
    done = json.loads(millrace(folder, env, *command).stdout)
    told = {name: done[name] for name in ("records", "unusable", "blank", "unfinished", "files")}
    assert told == {"records": 152, "unusable": 2, "blank": 1, "unfinished": 1, "files": 3}
    again = json.loads(millrace(folder, env, *command).stdout)
    assert again["records"] == 0
    found = raw.wait_for(272)
    odd = [r for r in found if r.value in (b"not json", b'{"customer_id": 7}')]
    assert sorted((record.value, record.key) for record in odd) == [
        (b"not json", None),
        (b'{"customer_id": 7}', b"7"),
    ]
    rest = [record for record in found if record not in odd]
    require_each_once_in_order(rest, {"a": 100, "b": 150, "c": 20})


def test_a_directory_is_followed_over_kills_and_rotations(
    bootstrap_servers: str, folder: Path
) -> None:
    raw, env = Raw(bootstrap_servers, named.FOLLOWED), environment(bootstrap_servers)
    log, started = folder / "app.jsonl", 0
    command = [sys.executable, "-m", "millrace", "ingest", NAMED + "FOLLOWED", str(folder)]
    command += ["--follow", "--format", "jsonl", "--json"]

    def append(count: int, file: str = "app") -> None:
        nonlocal started
        with log.open("a") as out:
            out.write(json_lines(started, count, file))
        started += count

    append(5_000)
    for more in (5_000, 5_000):
        running = subprocess.Popen(command, env=env)
        raw.wait_for(started - 4_000)
        append(more)
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    log.rename(folder / "app.jsonl.1")
    started = 0
    append(10, "new")
    running = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    raw.wait_for(15_010)
    append(10, "new")
    raw.wait_for(15_020)
    log.rename(folder / "app.jsonl.2")  # while it is followed
    started = 0
    append(10, "third")
    found = raw.wait_for(15_030)
    running.send_signal(signal.SIGTERM)
    out, told = running.communicate(timeout=30)
    summary = json.loads(out)
    assert (running.returncode, summary["interrupted"]) == (0, True)
    assert (summary["renamed"], summary["gone"], summary["unfinished"]) == (2, 0, 0)
    assert told.decode().count(" goes on at byte ") == 2
    require_each_once_in_order(found, {"app": 15_000, "new": 20, "third": 10})


def test_of_two_ingests_of_a_source_the_first_is_broken_off_and_nothing_comes_twice(
    bootstrap_servers: str, folder: Path
) -> None:
    raw = Raw(bootstrap_servers, named.FENCED)
    (folder / "a.csv").write_text(HEADER + csv_lines(100, "a"))
    others: list[None] = []

    def another(_: object) -> None:
        if not others:
            others.append(None)
            raw.ingest([folder], lambda _: None)

    with pytest.raises(Fenced, match=r"another ingest of the source 'files' into fenced.raw began"):
        raw.ingest([folder], another)
    require_each_once_in_order(raw.wait_for(100), {"a": 100})


def test_a_file_that_was_replaced_or_is_too_long_is_refused_and_a_named_one_is_read_to_its_end(
    bootstrap_servers: str, folder: Path
) -> None:
    raw, env = Raw(bootstrap_servers, named.FENCED), environment(bootstrap_servers)
    before, path = len(raw.committed()), folder / "b.jsonl"
    path.write_text(json_lines(0, 3, "b").rstrip("\n"))
    command = ("ingest", NAMED + "FENCED", str(path))
    shown = millrace(folder, env, *command)
    assert shown.stdout.startswith("3 records in fenced.raw (")
    path.write_text(json_lines(7, 3, "b"))
    replaced = millrace(folder, env, *command, status=5).stderr
    assert "no longer begins with the" in replaced
    long = folder / "long.jsonl"
    long.write_text(json_lines(0, 1, "long") + "x" * 1_000_001 + "\n")
    refused = millrace(folder, env, "ingest", NAMED + "FENCED", str(long), status=5).stderr
    place = len(json_lines(0, 1, "long"))
    assert f"the record at byte {place} is larger than 1,000,000 bytes" in refused
    assert len(raw.wait_for(before + 4)) == before + 4


def test_what_is_missing_is_told(bootstrap_servers: str, folder: Path) -> None:
    env = environment(bootstrap_servers)
    (folder / "a.csv").write_text("a,b\n1,2\n")
    nowhere = millrace(folder, env, "ingest", NAMED + "NOWHERE", "a.csv", status=2).stderr
    assert "there is no topic nowhere.raw at" in nowhere
    Raw(bootstrap_servers, named.FENCED)
    header = millrace(folder, env, "ingest", NAMED + "FENCED", "a.csv", status=5).stderr
    assert "a.csv: the header lacks transaction_id" in header
