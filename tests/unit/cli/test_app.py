"""The command line: quick to start, every failure one sentence with a true exit status."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import typer

from millrace.cli import app
from udfs.errors import EnvironmentFault

NOBODY = "127.0.0.1:1"
HEAVY = ("confluent_kafka", "grpc", "numpy", "pyflink", "tensorflow")


def millrace(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("MILLRACE_")}
    env |= {"MILLRACE_KAFKA__BOOTSTRAP_SERVERS": NOBODY, "COLUMNS": "200"}
    argv = [sys.executable, "-m", "millrace", *arguments]
    return subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_help_lists_the_commands_within_half_a_second_of_work(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = millrace("--help", cwd=tmp_path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    words = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}
    assert {"doctor", "up", "status", "down", "topics", "tail"} <= words
    assert spent < 0.5


def test_the_version_is_that_of_what_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["--version"]) == 0
    assert capsys.readouterr().out == f"millrace {version('millrace-flink')}\n"


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from millrace.cli.app import run; run(['--help']); "
        f"sys.exit(','.join(m for m in {HEAVY!r} if m in sys.modules))"
    )
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "\n")


@pytest.mark.parametrize(
    ("arguments", "status", "expected"),
    [
        (["nope"], 2, "error: No such command 'nope'."),
        (["up", "--nope"], 2, "error: No such option: --nope"),
        (["up", "--only", "nope"], 2, "error: there is no part nope; parts are broker,"),
        (["up", "--use-case", "frau"], 2, "error: no use case 'frau' is installed: did you mean"),
        (["topics", "apply", "frau"], 2, "error: no use case 'frau' is installed: did you mean"),
        (["topics", "apply"], 4, f"error: no Kafka broker answers at {NOBODY}; start one with"),
        (["tail", "x"], 4, f"error: no Kafka broker answers at {NOBODY}; start one with"),
        (["tail", "x", "--count", "0"], 2, "error: Invalid value for '--count'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_failure_is_one_sentence_and_a_status(
    arguments: list[str], status: int, expected: str, tmp_path: Path
) -> None:
    done = millrace(*arguments, cwd=tmp_path)
    lines = done.stderr.splitlines()
    assert (done.returncode, len(lines), lines[0][: len(expected)]) == (status, 1, expected)


def test_an_unknown_setting_stops_every_command(tmp_path: Path) -> None:
    (tmp_path / "millrace.toml").write_text("[score]\nshard = 1\n")
    done = millrace("status", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "error: unknown setting score.shard in millrace.toml:2; did you mean score.shards?\n",
    )


def test_status_without_a_stack_says_so(tmp_path: Path) -> None:
    done, as_json = millrace("status", cwd=tmp_path), millrace("status", "--json", cwd=tmp_path)
    assert (done.returncode, json.loads(as_json.stdout), list(tmp_path.iterdir())) == (1, [], [])


def test_doctor_reports_every_check_as_json(tmp_path: Path) -> None:
    done = millrace("doctor", "--json", cwd=tmp_path)
    checks = json.loads(done.stdout)
    assert done.returncode == (0 if all(check["ok"] for check in checks) else 3)
    assert {"Python", "packages", "Java", "Maven", "disk", "memory"} <= {c["name"] for c in checks}


def test_model_server_gets_its_flags_untouched(tmp_path: Path) -> None:
    done = millrace("model-server", "--port=no", cwd=tmp_path)
    assert (done.returncode, "'no' is no port" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("raised", "status", "told"),
    [
        (EnvironmentFault("no Java"), 3, "error: no Java\n"),
        (ValueError("odd\nmore"), 1, "error: unexpected ValueError: odd; --debug shows where\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
    ids=["ours", "unexpected", "Ctrl-C"],
)
def test_what_a_command_raises_is_told_once(
    raised: BaseException,
    status: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(app, "build", lambda: _application(_raiser(raised)))
    assert (app.run(["fail"]), capsys.readouterr().err) == (status, told)


def test_debug_shows_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(app, "build", lambda: _application(_raiser(ValueError("odd"))))
    status, told = app.run(["fail", "--debug"]), capsys.readouterr().err
    assert (status, "Traceback" in told, told.endswith("error: unexpected ValueError: odd\n")) == (
        1,
        True,
        True,
    )


def test_every_command_has_a_help_with_an_example(tmp_path: Path) -> None:
    commands = ["doctor", "up", "status", "down", "topics apply", "topics show", "tail"]
    without = [
        command
        for command in commands
        if "Example: millrace" not in millrace(*command.split(), "--help", cwd=tmp_path).stdout
    ]
    assert without == []


def _application(command: Callable[[], None]) -> typer.Typer:
    application = typer.Typer(pretty_exceptions_enable=False)
    application.callback()(lambda: None)
    application.command("fail")(command)
    return application


def _raiser(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail
