"""When a run of the archive test is wrong."""

from dataclasses import replace

import pytest

from benchmarks.archive_run import Run

RIGHT = Run(
    records=100,
    archived=100,
    missing=0,
    twice=0,
    archived_at_kill=40,
    restored=1,
    seconds=1.0,
    records_per_s=60,
    mb_per_s=0.1,
    files=4,
    mean_file_mb=0.1,
    largest_file_mb=0.2,
    bytes_per_record=17.0,
    compacted_files=1,
    mean_compacted_mb=0.3,
    right_after_compaction=True,
)


def test_a_run_that_holds_says_nothing() -> None:
    assert RIGHT.wrong(killed=True) == []
    assert replace(RIGHT, archived_at_kill=0, restored=0).wrong(killed=False) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"archived": 99, "missing": 1}, "99 of 100 archived, 1 missing"),
        ({"twice": 1}, "1 twice"),
        ({"right_after_compaction": False}, "compaction"),
        ({"restored": 0}, "not killed in the middle"),
        ({"archived_at_kill": 0}, "not killed in the middle"),
        ({"archived_at_kill": 100}, "not killed in the middle"),
    ],
)
def test_what_does_not_hold_is_told(change: dict[str, int], told: str) -> None:
    (sentence,) = replace(RIGHT, **change).wrong(killed=True)  # type: ignore[arg-type]
    assert told in sentence
