"""A JVM of the demo ends with its workers, orphans included; other processes stay."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from millrace.demo.jvm import LOG_VARIABLE, end_jvm
from millrace.stack.processes import wait_until

JVM = "org.apache.flink.client.python.PythonGatewayServer"
WORKER = "pyflink.fn_execution"
# Like a JVM that hangs: deaf to SIGTERM.
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); "
SLEEP = "import time; time.sleep(60)"


def process(code: str, name: str, log_dir: Path) -> "subprocess.Popen[str]":
    """A process of a name that is up and logs to the folder."""
    argv = [sys.executable, "-u", "-c", f"print('up'); {code}", name]
    env = {**os.environ, LOG_VARIABLE: str(log_dir)}
    started = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    started.stdout.readline()
    return started


@pytest.mark.parametrize("code", [SLEEP, f"{DEAF}{SLEEP}"], ids=["obedient", "deaf"])
def test_jvm_and_workers_end_and_nothing_else_does(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("millrace.demo.jvm._DEADLINE_S", 1.0)
    mine = [process(code, JVM, tmp_path), process(SLEEP, WORKER, tmp_path)]
    others = [
        process(SLEEP, JVM, tmp_path / "other"),
        process(SLEEP, WORKER, tmp_path / "other"),
        process(SLEEP, "kafka.Kafka", tmp_path),
    ]
    try:
        end_jvm(tmp_path)
        assert wait_until(lambda: all(p.poll() is not None for p in mine), 5.0)
        assert [other.poll() for other in others] == [None] * 3
    finally:
        for started in (*mine, *others):
            started.kill()
            started.communicate()
