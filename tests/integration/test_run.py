"""`millrace run score` as the user types it, in its own process; on a cluster: `test_cluster`."""

import os
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from millrace.cli import app
from tests.integration.commands import interrupted
from tests.integration.scoring import NO_SERVER, Kafka
from udfs.records import DeadLetter

Env = dict[str, str]
LOCAL = "tests.integration.named:LOCAL"
ONCE = "tests.integration.named:ONCE"
NOWHERE = "tests.integration.named:NOWHERE"
PARTITIONS = 2


@pytest.fixture
def env(bootstrap_servers: str) -> Env:
    """Environment of the commands; what they keep goes below their working directory."""
    return _env(bootstrap_servers)


def test_a_local_run_ends_at_the_newest_records(env: Env, tmp_path: Path) -> None:
    kafka = Kafka(env[SERVERS], "once", PARTITIONS)
    _millrace(tmp_path, env, "topics", "apply", ONCE)
    _millrace(tmp_path, env, "produce", ONCE, "--count", "3000")
    _millrace(tmp_path, env, "run", "score", "--use-case", ONCE, "--local", "--once")
    assert (_sources(kafka), len(kafka.features())) == ((3_000, 3_000), 3_000)
    assert {p.route for p in kafka.predictions()} == {"fallback:rule"}


def test_ctrl_c_leaves_nothing_behind_and_the_next_run_goes_on_from_there(
    env: Env, tmp_path: Path
) -> None:
    kafka = Kafka(env[SERVERS], "local", PARTITIONS)
    _millrace(tmp_path, env, "topics", "apply", LOCAL)
    for total in (3_000, 6_000):
        made = ("--count", "3000", "--days", "1", "--seed", str(total))
        _millrace(tmp_path, env, "produce", LOCAL, *made)
        interrupted(tmp_path, env, *RUN, LOCAL, "--local", when=partial(_scored, kafka, total))
    assert _sources(kafka) == (6_000, 6_000)
    # A customer's sequence numbers go on: the state came along too.
    sequences = Counter((row.entity_key, row.sequence) for row in kafka.features())
    assert set(sequences.values()) == {1}


SERVERS = "MILLRACE_KAFKA__BOOTSTRAP_SERVERS"
RUN = ("run", "score", "--use-case")
BAD = {
    "unknown job": (("run", "scare", "--use-case", "fraud"), 2, "there is no job 'scare'"),
    "unknown use case": ((*RUN, "frod"), 2, "no use case 'frod' is installed: did you mean"),
    "broken use case": ((*RUN, "tests.integration.named:X"), 2, "cannot be loaded"),
    "no topics": ((*RUN, NOWHERE), 2, "there is no topic nowhere.raw"),
    "local and cluster": ((*RUN, LOCAL, "--local", "--cluster", "h:1"), 2, "not both"),
    "start": ((*RUN, LOCAL, "--start", "noon"), 2, "--start is 'noon'"),
    "start on a cluster": ((*RUN, LOCAL, "--start", "noon", "--cluster", "h:1"), 2, "'noon'"),
    "restore": ((*RUN, LOCAL, "--restore", "no/where"), 2, "no/where is no checkpoint"),
    "restore on a cluster": (
        (*RUN, LOCAL, "--restore", "no/where", "--cluster", "h:1"),
        2,
        "no/where is no checkpoint",
    ),
    "no address": ((*RUN, LOCAL, "--cluster", "somewhere"), 2, "'somewhere' is no HOST:PORT"),
    "no cluster": ((*RUN, LOCAL, "--cluster", NO_SERVER), 4, "no Flink cluster answers at"),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_what_cannot_run_is_told_in_one_sentence(
    bad: tuple[tuple[str, ...], int, str],
    env: Env,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments, status, sentence = bad
    _enter(monkeypatch, env, tmp_path)
    app.run(["topics", "apply", LOCAL])
    capsys.readouterr()
    found = app.run(list(arguments))
    told = capsys.readouterr().err
    assert (found, told.count("\n"), told.startswith("error: ")) == (status, 1, True)
    assert sentence in told


def test_an_unreachable_broker_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _enter(monkeypatch, _env(NO_SERVER), tmp_path)
    found, told = app.run([*RUN, "fraud"]), capsys.readouterr().err
    assert (found, told.count("\n")) == (4, 1)
    assert f"error: no Kafka broker answers at {NO_SERVER}" in told


def _env(bootstrap_servers: str) -> Env:
    own = {k: v for k, v in os.environ.items() if not k.startswith("MILLRACE_")}
    return {
        **own,
        SERVERS: bootstrap_servers,
        "MILLRACE_KAFKA__PARTITIONS": str(PARTITIONS),
        "MILLRACE_SERVING__TARGET": NO_SERVER,
        "MILLRACE_SCORE__FEATURES_TOPIC": "true",
        "MILLRACE_SCORE__PARALLELISM": "2",
    }


def _enter(monkeypatch: pytest.MonkeyPatch, env: Env, folder: Path) -> None:
    monkeypatch.chdir(folder)
    for name, value in env.items():
        if name.startswith("MILLRACE_"):
            monkeypatch.setenv(name, value)


def _millrace(folder: Path, env: Env, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command that has to succeed."""
    command = [sys.executable, "-m", "millrace", *arguments]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def _scored(kafka: Kafka, count: int) -> bool:
    return len(kafka.predictions()) >= count


def _sources(kafka: Kafka) -> tuple[int, int]:
    """Outputs, and distinct source records among them."""
    places = [(row.source_partition, row.source_offset) for row in kafka.predictions()]
    places += [(row.source_partition, row.source_offset) for row in _refused(kafka)]
    return len(places), len(set(places))


def _refused(kafka: Kafka) -> list[DeadLetter]:
    """Dead letters of raw records; labels of those that were malformed find no record either."""
    return [row for row in kafka.dead_letters() if row.source_topic == f"{kafka.name}.raw"]
