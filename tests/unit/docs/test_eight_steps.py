"""Both guides and the project that `millrace init` writes go by the same eight steps."""

import re
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[3]
HEADING, ITEM = r"^## (\d+)\. (.+)$", r"^(\d+)\. \*\*(.+?)\*\*"
STEPS = (
    "The project",
    "The record",
    "Fold and features",
    "The rule",
    "The traffic",
    "The value",
    "The job",
    "The model",
)
PAGES = {
    "docs/guide/first-use-case.md": HEADING,
    "docs/guide/new-project.md": HEADING,
    "millrace/project/template/README.md": ITEM,
}


@pytest.mark.parametrize("page", PAGES)
def test_a_use_case_is_made_in_eight_steps(page: str) -> None:
    found = re.findall(PAGES[page], (TOP / page).read_text(), re.MULTILINE)
    assert found == [(str(number), step) for number, step in enumerate(STEPS, start=1)]
