"""The page about settings says what the code declares."""

from pathlib import Path

from tests.unit.docs.settings_page import page

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_settings_page_is_current() -> None:
    assert (DOCS / "reference" / "settings.md").read_text() == page()
