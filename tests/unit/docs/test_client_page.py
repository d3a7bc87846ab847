"""The page about the client says what the client does."""

from pathlib import Path

from udfs.client.outcomes import FailureReason
from udfs.client.status_codes import MEANINGS

DOCS = Path("docs/reference")


def test_table_of_statuses_is_the_one_that_is_used() -> None:
    page = (DOCS / "client.md").read_text()
    table = page.split("## Statuses")[1].split("|---|---|---|---|\n")[1].split("\n\n")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    found = {code.split(" ")[0]: (reason, *rest) for code, reason, *rest in cells}
    assert found == {
        code.name: (
            f"`{meaning.reason.value}`",
            "yes" if meaning.retryable else "no",
            "yes" if meaning.counts else "no",
        )
        for code, meaning in MEANINGS.items()
    }


def test_every_reason_is_explained() -> None:
    page = (DOCS / "topics-and-records.md").read_text()
    assert [reason.value for reason in FailureReason if f"`{reason.value}`" not in page] == []
