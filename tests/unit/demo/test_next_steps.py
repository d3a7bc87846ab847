"""After a demo: commands that work as they are copied."""

import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from millrace.demo.next_steps import next_steps
from tests.unit.demo.builders import plan
from udfs.use_cases.fraud import FRAUD

OWN = Path(sys.prefix) / "bin"


def commands(use_case: str, name: str) -> list[str]:
    """The commands that are shown, without what they are for."""
    out = io.StringIO()
    shown = replace(plan(), use_case_name=use_case, use_case=replace(FRAUD, name=name))
    Console(file=out, width=120).print(next_steps(shown))
    return [line.strip().partition("  ")[0] for line in out.getvalue().splitlines()[1:]]


def test_the_stack_and_the_commands_are_those_of_the_use_case(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(OWN))
    assert commands("mine.case:CASE", "mine") == [
        "millrace up --use-case mine.case:CASE",
        "millrace topics apply mine.case:CASE",
        "millrace run score --use-case mine.case:CASE",
        "millrace produce mine.case:CASE --rate 50",
        "millrace tail mine.predictions",
        "millrace models list",
        "millrace train mine.case:CASE",
    ]


def test_after_a_shipped_use_case_comes_one_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(OWN))
    assert commands("fraud", "fraud")[-1] == "millrace init NAME"


def test_a_shell_without_this_environment_is_told_to_activate_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(OWN.parents[1])
    assert commands("fraud", "fraud")[0] == f"source {OWN.parent.name}/bin/activate"
