"""The report on remaining lives: figures that can be counted by hand, and odd test parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from training.dataset import Dataset
from training.report.life import sections
from training.report.page import Section
from training.report.run import Run
from udfs.use_cases.maintenance import LONGEST_LIFE, MAINTENANCE, SPEC


@dataclass
class Constant:
    """Says the same of every machine."""

    answer: float
    threshold: float | None = None
    library_versions: Any = None

    def outputs(self, features: Any) -> Any:
        """One answer for all rows."""
        return {"remaining_life": np.full(len(features), self.answer, np.float32)}

    def save(self, folder: Any) -> None:
        """Is never asked for."""


def part(lives: Sequence[float]) -> Dataset:
    """One reading a machine, at cycle 1 in the first regime, with these labels."""
    at = np.arange(len(lives))
    features = np.zeros((len(lives), len(SPEC.names)))
    features[:, 0] = 1
    return Dataset(features, np.array(lives, np.float32), at, at, at)


def report(lives: Sequence[float], answer: float) -> dict[str, Section]:
    test = part(lives)
    run = Run(MAINTENANCE, Constant(answer), test, test, test, 1)
    return {section.title: section for section in sections(run)}


def test_labels_are_cut_and_stages_are_told_by_the_cycles_left() -> None:
    found = report([5, 8, 200], answer=LONGEST_LIFE)
    stages = found["Error by life stage"].tables[0].rows
    assert [row[:3] for row in stages] == [
        ("0 to 10 cycles left", "2", "118.51"),
        ("125 and more cycles left", "1", "0.00"),
    ]


def test_late_and_early_are_told_apart() -> None:
    text = report([10, 10, 10, 50], answer=20)["Early and late"].text
    assert "75.0% of the predictions are late, by 10.0 cycles on average" in text
    assert "25.0% are early, by 30.0" in text


def test_slices_name_regime_age_and_the_machines_furthest_off() -> None:
    tables = report([10, 60], answer=20)["Slices"].tables
    assert [row[0] for row in tables[0].rows] == ["(0.0, 0.0, 100.0)"]
    assert [row[0] for row in tables[1].rows] == ["up to cycle 1"]
    assert [row[:3] for row in tables[2].rows] == [
        ("unit 1", "1", "40.00"),
        ("unit 0", "1", "10.00"),
    ]


@pytest.mark.parametrize("title", ["Predicted and true", "Error by life stage", "Importance"])
def test_a_section_has_drawings(title: str) -> None:
    charts = report([10] * 8 + [60], answer=20)[title].charts
    assert charts
    assert all(chart.svg.startswith("<svg") for chart in charts)
