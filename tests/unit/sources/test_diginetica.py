"""Diginetica's file becomes clicks with times; files that are not what they should be are named."""

import gzip
from pathlib import Path

import pytest

from millrace.sources import diginetica
from millrace.sources.files import labelled_records
from udfs.errors import ConfigurationError, DataError
from udfs.use_cases.recommendation import RECOMMENDATION

HEADER = "split,session_id,pos,item_id"
ROWS = ("train,0,0,1", "train,0,1,2", "train,1,0,3", "train,1,1,1", "test,2,0,3", "test,2,1,1")


def write(folder: Path, *rows: str) -> Path:
    folder.mkdir(exist_ok=True)
    with gzip.open(folder / diginetica.CLICKS, "wt") as file:
        file.write("\n".join(rows) + "\n")
    return folder


def test_clicks_come_in_order_of_time_with_the_next_of_their_session(tmp_path: Path) -> None:
    made = list(labelled_records(RECOMMENDATION, write(tmp_path, HEADER, *ROWS)))
    assert [(c.click_id, c.visitor_id, c.item_id, label) for c, label in made] == [
        (0, 0, 1, 2),
        (1, 0, 2, -1),
        (2, 1, 3, 1),
        (3, 1, 1, -1),
        (4, 2, 3, 1),
        (5, 2, 1, -1),
    ]
    times = [click.event_time_ms for click, _ in made]
    assert times == sorted(times)
    assert sum(time >= diginetica.TEST_START_MS for time in times) == 2


def test_sessions_that_run_at_once_are_woven_by_time(tmp_path: Path) -> None:
    many = [f"train,{s},{p},{s}" for s in range(9_000) for p in range(3)]
    made = list(diginetica.clicks(write(tmp_path / diginetica.FOLDER, HEADER, *many)))
    visitors = [click.visitor_id for click in diginetica.clicks(tmp_path)]
    assert visitors == [click.visitor_id for click in made]
    assert sorted(visitors) == [session for session in range(9_000) for _ in range(3)]
    more = [f"train,{s},{p},{s}" for s in range(500_000) for p in range(2)]
    woven = [click.visitor_id for click in diginetica.clicks(write(tmp_path, HEADER, *more))]
    assert woven != sorted(woven)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no clicks\.csv\.gz in"):
        labelled_records(RECOMMENDATION, tmp_path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((HEADER, "train,0,0,x"), "cannot be read"),
        ((HEADER, "train,0,0,"), "empty cells"),
        ((HEADER, "valid,0,0,1"), "other splits"),
        ((HEADER, "train,0,0,1", "train,0,2,1"), "positions with gaps"),
        ((HEADER, "train,0,0,1", "train,1,0,1", "train,0,0,1"), "in several places"),
        ((HEADER, "train,0,0,-1"), "below 0"),
        (("A,B", "1,2"), "cannot be read"),
        ((HEADER,), "no rows"),
    ],
    ids=["item", "empty cell", "split", "gap", "twice", "negative", "columns", "no rows"],
)
def test_a_broken_file_is_refused(tmp_path: Path, rows: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(diginetica.labelled(write(tmp_path, *rows)))
