"""Arguments that several commands take."""

import pytest

from millrace.cli.app import run

BACKWARDS = ("--since", "2025-08-01", "--until", "2025-07-01")
TOLD = "error: --since is '2025-08-01' and --until is '2025-07-01': nothing is between them\n"


@pytest.mark.parametrize(
    "command",
    [("archive", "ls"), ("archive", "compact"), ("dlq", "ls"), ("dlq", "redrive", "fraud")],
    ids=" ".join,
)
def test_a_span_that_ends_before_it_begins_is_refused(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert (run([*command, *BACKWARDS]), capsys.readouterr().err) == (2, TOLD)
