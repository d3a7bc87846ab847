"""What the command line asks of the job score, before anything is started."""

from dataclasses import replace
from pathlib import Path

import pytest

from millrace.archive.continuing import Choice
from millrace.cli.app import run
from millrace.cli.run_score import ScoreArguments, bootstrap_of
from millrace.settings import Settings
from udfs.errors import ConfigurationError

GIVEN = ScoreArguments(False, "earliest", "latest", "millrace-fraud", Path("a"), None, False)


def test_a_bootstrap_is_what_the_options_say() -> None:
    given = replace(GIVEN, once=True, since="2025-07-31", accept_gaps=True)
    found = bootstrap_of(Settings(), "fraud", given)
    assert found is not None
    assert (found.archive, found.after, found.bounded) == (Path("a"), "millrace-fraud", True)
    assert found.choice == Choice(1_753_920_000_000, accept_gaps=True)
    assert bootstrap_of(Settings(), "fraud", replace(GIVEN, bootstrap=None)) is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (replace(GIVEN, bootstrap=None, since="2025-07-31"), "say how --bootstrap reads"),
        (replace(GIVEN, bootstrap=None, accept_gaps=True), "say how --bootstrap reads"),
        (replace(GIVEN, start="latest"), "are not for --bootstrap"),
        (replace(GIVEN, restore="none"), "are not for --bootstrap"),
        (replace(GIVEN, since="July"), "--from is 'July'"),
    ],
    ids=["from alone", "gaps alone", "start", "restore", "no time"],
)
def test_options_that_go_against_each_other_are_told(given: ScoreArguments, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        bootstrap_of(Settings(), "fraud", given)


def test_a_bootstrap_is_for_the_job_score(capsys: pytest.CaptureFixture[str]) -> None:
    status = run(["run", "archive", "--use-case", "fraud", "--from", "2025-07-31"])
    assert (status, "are for the job score" in capsys.readouterr().err) == (2, True)
