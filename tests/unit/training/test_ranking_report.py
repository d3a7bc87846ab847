"""The report on a ranking: figures that can be counted by hand, and odd test parts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from training.dataset import Dataset
from training.report.page import Section
from training.report.ranking import sections
from training.report.run import Run
from udfs.use_cases.recommendation import LENGTH, RECOMMENDATION, TOP


@dataclass
class Fixed:
    """Shows everybody items 1 to 20."""

    threshold: float | None = None
    library_versions: Any = None

    def outputs(self, features: Any) -> Any:
        """The same for every row."""
        shown = np.tile(np.arange(1, TOP + 1), (len(features), 1))
        return {"items": shown, "scores": np.ones(shown.shape, np.float32)}

    def save(self, folder: Any) -> None:
        """Is never asked for."""


def part(clicks: list[tuple[list[int], int]]) -> Dataset:
    """Rows of sessions, newest item first, with their labels."""
    rows = np.full((len(clicks), LENGTH), -1, np.int64)
    for row, (session, _) in zip(rows, clicks, strict=True):
        row[: len(session)] = session
    at = np.arange(len(clicks))
    return Dataset(rows, np.array([label for _, label in clicks], np.int64), at, at, at)


def report(test: list[tuple[list[int], int]]) -> dict[str, Section]:
    train = part([([item], -1) for item in range(1, 41)])
    run = Run(RECOMMENDATION, Fixed(), train, train, part(test), 1)
    return {section.title: section for section in sections(run)}


def test_hits_are_told_by_session_length_and_the_last_click_is_left_out() -> None:
    found = report([([5], 1), ([5], 40), ([5, 6], 2), ([5, 6], -1)])
    assert found["Ranking"].text.startswith("Of 3 test clicks with a next one, 66.7 % have it")
    assert found["Session length"].tables[0].rows == [
        ("1", "2", "50.00", "50.00", "50.00", "0.00"),
        ("2", "1", "100.00", "50.00", "0.00", "0.00"),
    ]


def test_sessions_longer_than_the_model_sees_are_told_as_such() -> None:
    found = report([([5], 1), (list(range(1, LENGTH + 1)), 1)])
    names = [row[0] for row in found["Session length"].tables[0].rows]
    assert names == ["1", f"{LENGTH} and more"]


def test_coverage_is_of_the_catalogue_of_training() -> None:
    assert "20 of the 40 items" in report([([5], 1)])["Coverage"].text


def test_items_that_training_did_not_know_are_a_slice_of_their_own() -> None:
    found = report([([5], 99), ([98], 1)])
    assert found["Popularity"].tables[0].rows[0][:3] == ("not in training", "1", "0.00")
    assert [row[0] for row in found["Slices"].tables[-1].rows] == ["is known", "is not"]


@pytest.mark.parametrize("title", ["Ranking", "Session length", "Popularity", "Coverage"])
def test_every_section_has_a_drawing(title: str) -> None:
    assert all(chart.svg.startswith("<svg") for chart in report([([5], 1)])[title].charts)
