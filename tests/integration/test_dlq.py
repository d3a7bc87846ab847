"""Dead letters on a real broker: written back at most once, whatever happens in the middle."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Producer

from millrace.archive.stages import TopicStages
from millrace.dead_letters.letters import Filter, Letter, letters
from millrace.dead_letters.redriving import Fenced, Redriver
from millrace.kafka.cluster import Cluster
from millrace.kafka.readers import Record, read
from tests.integration.commands import environment, millrace
from tests.integration.scoring import START_MS
from tests.integration.topics import create_topics, settle
from udfs.records import DeadLetter, Reason

CRASHING = """
import os, signal
from millrace.archive.stages import TopicStages
from millrace.dead_letters.letters import Filter, letters
from millrace.dead_letters.redriving import Redriver
from millrace.kafka.cluster import Cluster

class Crashing(Redriver):
    sent = 0
    def _send(self, producer, *rest):
        super()._send(producer, *rest)
        Crashing.sent += 1
        if Crashing.sent == 7:
            producer.flush(30)
            os.kill(os.getpid(), signal.SIGKILL)

cluster = Cluster({servers!r})
Crashing(cluster, {name!r}, {name!r}, batch=4).redrive(
    letters(TopicStages(cluster, {name!r}), Filter()))
"""
USE_CASE = "tests.integration.named:DEAD"


class Queue:
    """The topics of a test, under a name of its own."""

    def __init__(self, servers: str, name: str) -> None:
        self.name, self.cluster = name, Cluster(servers)
        stages = ("raw", "dead-letters", "redrives")
        create_topics(servers, [f"{name}.{stage}" for stage in stages])

    def refuse(self, values: Sequence[bytes | None], *, offset: int = 0) -> None:
        """Writes a dead letter for each value, as the job does."""
        producer = Producer({"bootstrap.servers": self.cluster.bootstrap_servers})
        for n, value in enumerate(values):
            letter = DeadLetter(
                Reason.SCHEMA if value else Reason.EMPTY,
                "clean",
                f"wrong {n}",
                f"{self.name}.raw",
                1,
                offset + n,
                START_MS + n,
                b"key %d" % n,
                value,
            )
            producer.produce(f"{self.name}.dead-letters", msgspec.json.encode(letter))
        assert producer.flush(30) == 0

    def letters(self) -> Iterator[Letter]:
        """All dead letters now."""
        return letters(TopicStages(self.cluster, self.name), Filter())

    def redriver(self, **changes: int) -> Redriver:
        """A redriver of the test's own."""
        return Redriver(self.cluster, self.name, self.name, **changes)

    def raw(self) -> list[Record]:
        """Committed records of the raw topic."""
        topic = f"{self.name}.raw"
        settle(self.cluster.bootstrap_servers, topic)
        return list(read(self.cluster, topic))


@pytest.fixture
def queue(bootstrap_servers: str, request: pytest.FixtureRequest) -> Queue:
    name = "".join(c if c.isalnum() else "-" for c in request.node.name)
    return Queue(bootstrap_servers, name[:80])


def test_a_redrive_writes_the_original_bytes_and_says_where_they_came_from(queue: Queue) -> None:
    queue.refuse([b"\xff not json", None])
    done = queue.redriver().redrive(queue.letters())
    found = sorted(queue.raw(), key=lambda record: record.timestamp_ms)
    assert [(r.partition, r.timestamp_ms, r.key, r.value) for r in found] == [
        (1, START_MS, b"key 0", b"\xff not json"),
        (1, START_MS + 1, b"key 1", None),
    ]
    headers = dict(found[0].headers)
    assert headers.pop("millrace.redrive.dead-letter").startswith(b"%s." % queue.name.encode())
    assert headers == {
        "millrace.redrive.source": f"{queue.name}.raw/1/0".encode(),
        "millrace.redrive.origin": f"{queue.name}.raw/1/0".encode(),
        "millrace.redrive.attempt": b"1",
        "millrace.redrive.reason": b"schema",
    }
    assert {entry.target for entry in done.written} == {
        f"{record.topic}/{record.partition}/{record.offset}" for record in found
    }


def test_a_second_redrive_and_a_dry_run_write_nothing(queue: Queue) -> None:
    queue.refuse([b"a", b"b"])
    assert len(queue.redriver().plan(queue.letters()).written) == 2
    assert queue.raw() == []
    queue.redriver().redrive(queue.letters())
    again = queue.redriver().redrive(queue.letters())
    assert (len(again.written), again.already, len(queue.raw())) == (0, 2, 2)


def test_bytes_that_are_refused_again_reach_the_limit(queue: Queue) -> None:
    queue.refuse([b"a"], offset=1_000)
    attempts = []
    for _ in range(4):
        done = queue.redriver(max_attempts=2).redrive(queue.letters())
        attempts += [(entry.attempt, entry.origin) for entry in done.written]
        for entry in done.written:  # the job refuses what was written
            queue.refuse([b"a"], offset=int(entry.target.rpartition("/")[2]))
    origin = f"{queue.name}.raw/1/1000"
    assert (attempts, done.exhausted, len(queue.raw())) == ([(1, origin), (2, origin)], 1, 2)


def test_a_redrive_killed_in_a_transaction_is_finished_by_the_next_one(queue: Queue) -> None:
    values = [b"%d" % n for n in range(10)]
    queue.refuse(values)
    code = CRASHING.format(servers=queue.cluster.bootstrap_servers, name=queue.name)
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert (killed.returncode, len(queue.raw())) == (-9, 4)
    done = queue.redriver(batch=4).redrive(queue.letters())
    assert (done.already, len(done.written)) == (4, 6)
    assert Counter(record.value for record in queue.raw()) == Counter(values)


def test_of_two_redrives_at_once_one_is_broken_off_and_nothing_is_written_twice(
    queue: Queue,
) -> None:
    values = [b"%d" % n for n in range(8)]
    queue.refuse(values)

    def with_another(found: list[Letter], other: Callable[[], object]) -> Iterator[Letter]:
        yield from found[:4]
        other()
        yield from found[4:]

    slower, found = queue.redriver(batch=4), list(queue.letters())
    with pytest.raises(Fenced, match=r"another redrive of .* began meanwhile"):
        slower.redrive(with_another(found, lambda: queue.redriver().redrive(found)))
    assert Counter(record.value for record in queue.raw()) == Counter(values)


def test_the_commands_list_show_and_redrive(bootstrap_servers: str, tmp_path: Path) -> None:
    env = environment(bootstrap_servers)
    millrace(tmp_path, env, "topics", "apply", USE_CASE)
    queue = Queue.__new__(Queue)
    queue.name, queue.cluster = "dead", Cluster(bootstrap_servers)
    queue.refuse([b'{"amount": 1}', None])
    listed = millrace(tmp_path, env, "dlq", "ls", USE_CASE, "--reason", "schema", "--json").stdout
    letter, summary = map(json.loads, listed.splitlines())
    assert (letter["value"], summary["total"]) == ({"amount": 1}, 1)
    shown = millrace(tmp_path, env, "dlq", "show", USE_CASE, letter["id"]).stdout
    assert "dead.raw/1/0" in shown
    planned = millrace(tmp_path, env, "dlq", "redrive", USE_CASE, "--dry-run").stdout
    assert (planned.split()[0], queue.raw()) == ("2", [])
    done = millrace(tmp_path, env, "dlq", "redrive", USE_CASE, "--reason", "empty", "--json")
    assert (len(json.loads(done.stdout)["written"]), len(queue.raw())) == (1, 1)
    wrong = millrace(tmp_path, env, "dlq", "ls", USE_CASE, "--reason", "odd", status=2).stderr
    assert "--reason is 'odd'; it is one of not_json, schema" in wrong
    none = millrace(tmp_path, env, "dlq", "show", USE_CASE, "9:9", status=2).stderr
    assert "there is no dead letter '9:9' of dead" in none
