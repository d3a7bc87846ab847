"""The demo as a newcomer runs it: to its end, broken off, and with a part that fails."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.scoring import wait_until

SMALL = ("--rate", "20", "--history-days", "1")
# With enough history for a model from its archive.
WHOLE = ("--rate", "20", "--history-days", "45", "--count", "200", "--train-count", "40000")
# Alone on two cores the whole of it takes about two minutes.
DEADLINE_S = 400
STATE_DIR = "MILLRACE_STACK__STATE_DIR"


@dataclass
class Running:
    """A demo as a process of its own; its state directory marks everything that it starts."""

    process: "subprocess.Popen[bytes]"
    home: Path

    @property
    def out(self) -> str:
        """What it printed so far."""
        return (self.home / "out").read_text()

    @property
    def err(self) -> str:
        """What it printed on standard error so far."""
        return (self.home / "err").read_text()

    def wait_for(self, text: str) -> None:
        """Returns once it printed the text."""
        wait_until(lambda: text in self.out or self.process.poll() is not None, text, DEADLINE_S)
        assert text in self.out, self.err

    def end(self) -> int:
        """Its exit status, when it has ended by itself."""
        return self.process.wait(DEADLINE_S)

    def left(self) -> list[str]:
        """Processes that it started, in whatever way, and itself."""
        mark = f"{STATE_DIR}={self.home / 'state'}".encode()
        return [pid for pid, environ in _environments() if mark in environ.split(b"\0")]


@contextmanager
def demo(home: Path, *arguments: str) -> Iterator[Running]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("MILLRACE_")}
    env |= {STATE_DIR: str(home / "state"), "COLUMNS": "200"}
    argv = [sys.executable, "-m", "millrace", "demo", "fraud", *arguments]
    with (home / "out").open("wb") as out, (home / "err").open("wb") as err:
        process = subprocess.Popen(argv, cwd=home, env=env, stdout=out, stderr=err)
        running = Running(process, home)
        try:
            yield running
        finally:
            for pid in running.left():
                os.kill(int(pid), signal.SIGKILL)
            process.wait(30)


def test_a_bounded_demo_ends_with_counts_that_close(tmp_path: Path) -> None:
    with demo(tmp_path, "--once", *WHOLE, "--json") as running:
        status, left = running.end(), running.left()
    assert (status, left) == (0, []), running.err
    told = json.loads(running.out.splitlines()[-1])
    assert (told["counts_close"], told["missing"], told["extra"]) == (True, 0, 0)
    assert told["inputs"] == told["history"] + told["live"]
    assert told["inputs"] == told["predictions"] + told["dead_letters"]
    assert told["dead_letters"] == told["malformed"] == sum(told["dead_letters_by_reason"].values())
    assert told["predictions"] == sum(answers["predictions"] for answers in told["answers"])
    assert told["live"] >= 200
    assert told["first_prediction_s"] < told["first_model_prediction_s"] < told["seconds"]
    assert 0 < told["latency_ms"]["p50"] <= told["latency_ms"]["p99"]
    _labels_joined(told)
    _all_archived(told)
    _challenged(told)


def _labels_joined(told: dict[str, Any]) -> None:
    labels = told["labels"]
    outcomes = ("changes", "unchanged", "waiting")
    assert labels["told"] == sum(labels[outcome] for outcome in outcomes)
    assert labels["refused"] == 0
    assert labels["changes"] > 100


def _all_archived(told: dict[str, Any]) -> None:
    archive = told["archive"]
    assert (archive["missing"], archive["twice"], archive["waiting"]) == (0, 0, 0)
    assert archive["rows"] == {
        "raw": told["inputs"],
        "labels": told["labels"]["told"],
        "features": told["predictions"],
        "label-changes": told["labels"]["changes"],
        "predictions": told["predictions"],
        "dead-letters": told["dead_letters"],
        "duplicates": 0,
    }


def _challenged(told: dict[str, Any]) -> None:
    """What the gate says of so few rows is its own affair; what follows from it is not."""
    challenger = told["challenger"]
    assert (challenger["outcome"], bool(challenger["reasons"])) in (
        ("passed", False),
        ("refused", True),
    )
    versions = {1} | ({2} if challenger["outcome"] == "passed" else set())
    assert {(a["route"], a["model_version"]) for a in told["answers"]} == {
        ("fallback:rule", None),
        *(("stable", version) for version in versions),
    }


@pytest.mark.parametrize(
    ("arguments", "moment", "expected"),
    [
        ((), "A Kafka broker starts", 130),
        ((), "Flink starts", 130),
        ((), "A rule answers live transactions", 0),
        (("--once",), "A rule answers live transactions", 130),
    ],
    ids=["broker", "job", "live", "once"],
)
def test_ctrl_c_leaves_nothing_behind(
    arguments: tuple[str, ...], moment: str, expected: int, tmp_path: Path
) -> None:
    with demo(tmp_path, *SMALL, *arguments) as running:
        running.wait_for(moment)
        running.process.send_signal(signal.SIGINT)
        assert (running.end(), running.left()) == (expected, []), running.err
    assert ("What to try next" in running.out) == (expected == 0)
    assert not (tmp_path / "state" / "addresses.json").exists()
    assert "Traceback" not in running.err


def test_a_training_that_fails_ends_the_demo_with_its_reason(tmp_path: Path) -> None:
    with demo(tmp_path, *SMALL, "--train-count", "200") as running:
        status, left = running.end(), running.left()
    log = tmp_path / "state" / "demo" / "logs" / "training.log"
    assert (status, left, len(running.err.splitlines())) == (1, [], 1), running.err
    assert running.err.startswith(f"error: the training failed (log: {log}): ")
    assert "0 positives" in running.err


def test_a_broker_that_dies_ends_the_demo_with_its_log(tmp_path: Path) -> None:
    with demo(tmp_path, *SMALL) as running:
        running.wait_for("A rule answers live transactions")
        [broker] = json.loads((tmp_path / "state" / "demo" / "stack.json").read_text())[:1]
        os.kill(broker["pid"], signal.SIGKILL)
        status, left = running.end(), running.left()
    assert (status, left) == (1, []), running.err
    told = f"error: the Kafka broker ended by itself (log: {broker['log_path']}): "
    assert running.err.startswith(told)
    assert len(running.err.splitlines()) == 1


def _environments() -> Iterator[tuple[str, bytes]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                yield entry.name, (entry / "environ").read_bytes()
            except OSError:
                continue  # it ended meanwhile, or is another user's
