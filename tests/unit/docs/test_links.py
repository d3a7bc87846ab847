"""Links between pages lead somewhere, and files that pages name exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
_FILE = re.compile(
    r"`((?:jobs|udfs|training|millrace|tests|deploy|docs|benchmarks)/[\w./-]+\.(?:py|md|xml|java))`"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_refers_to_is_there(page: Path) -> None:
    text = page.read_text()
    targets = [page.parent / target for target in _LINK.findall(text)]
    targets += [ROOT / target for target in _FILE.findall(text)]
    assert [str(target) for target in targets if not target.exists()] == []
