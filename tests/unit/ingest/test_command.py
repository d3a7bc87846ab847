"""`millrace ingest`: what is wrong with a command line is told before Kafka is asked."""

from pathlib import Path

import pytest

from millrace.cli.app import run

NOBODY = "127.0.0.1:1"


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["fraud"], 2, "name files or directories, or --http: one of the two"),
        (["fraud", "a.csv", "--http", "80"], 2, "name files or directories, or --http: one"),
        (["fraud", "--http", "80", "--follow"], 2, "--follow and --format are for files"),
        (["fraud", "--http", "here"], 2, "--http is 'here'; it is a port or HOST:PORT"),
        (["fraud", "--http", "70000"], 2, "--http is '70000'; it is a port or HOST:PORT"),
        (["frau", "a.csv"], 2, "no use case 'frau' is installed: did you mean 'fraud'?"),
        (["fraud", "b.csv"], 2, "there is no file or directory b.csv"),
        (["fraud", "a.txt"], 2, "the name of a.txt does not tell its format; give --format"),
        (["fraud", "a.csv", "--format", "xml"], 2, "Invalid value for '--format'"),
        (["fraud", "a.csv", "--delimiter", ";;"], 2, "--delimiter is ';;'; it is one character"),
        (["fraud", "a.csv"], 4, f"no Kafka broker answers at {NOBODY}"),
        (["fraud", "--http", "0"], 4, f"no Kafka broker answers at {NOBODY}"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_is_one_sentence_and_a_status(
    arguments: list[str],
    status: int,
    told: str,
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILLRACE_KAFKA__BOOTSTRAP_SERVERS", NOBODY)
    for name in ("a.csv", "a.txt"):
        (tmp_path / name).touch()
    found = run(["ingest", *arguments]), capsys.readouterr().err
    assert (found[0], f"error: {told}" in found[1]) == (status, True), found
