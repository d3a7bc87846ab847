"""Reports: numbers, drawings, and a page that needs nothing else."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from millrace.manifest import Data, DataRange, Manifest, Signature
from training.dataset import Dataset
from training.report.binary import sections
from training.report.measures import calibration, permutation_importance, stability_index
from training.report.page import Section, Table, render
from training.report.run import Run
from udfs.use_cases.fraud import FRAUD

ROWS = 2_000


class AmountModel:
    """Scores by the amount alone."""

    threshold: float | None = 0.8
    library_versions: Mapping[str, str] = {}

    def outputs(self, features: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        """Scores and decisions."""
        score = np.clip(features[:, 0] / 100, 0, 1).astype(np.float32)
        return {"score": score, "decision": score >= np.float32(0.8)}

    def save(self, folder: Path) -> None:
        """Not asked for."""
        raise NotImplementedError


def part(seed: int) -> Dataset:
    rng = np.random.default_rng(seed)
    features = rng.uniform(0, 100, (ROWS, len(FRAUD.spec.names)))
    features[:, 1] = rng.integers(0, 2, ROWS)
    labels = rng.random(ROWS) < features[:, 0] / 400
    ids = np.arange(ROWS)
    return Dataset(features, labels, ids, ids, np.sort(rng.integers(0, 3 * 86_400_000, ROWS)))


def manifest(source: str = "generator") -> Manifest:
    period = DataRange(0, 86_400_000, ROWS, 12)
    return Manifest(
        model_name="fraud",
        version=0,
        use_case="fraud",
        feature_spec_hash=FRAUD.spec.hash,
        feature_names=FRAUD.spec.names,
        signature=Signature("serving_default", "features", ("score", "decision")),
        decision_threshold=0.8,
        data=Data(source, period, period, period),
        metrics={"average_precision": 0.5, "rule_average_precision": 0.25},
        seed=1,
        library_versions={"numpy": "2"},
        created_ms=0,
    )


@pytest.fixture(scope="module")
def page() -> str:
    run = Run(FRAUD, AmountModel(), part(1), part(2), part(3), seed=1)
    return render(manifest(), sections(run))


def test_the_page_has_all_parts(page: str) -> None:
    titles = ["Ranking", "Calibration", "Drift", "Importance", "Slices"]
    assert re.findall(r"<h2>(.*)</h2>", page) == titles
    assert page.count("<svg") == 6
    assert all(name in page for name in ("average precision", "0.2500", "1970-01-02", "weekend"))


def test_the_page_fetches_nothing(page: str) -> None:
    without_names = re.sub(r'xmlns(:\w+)?="[^"]*"', "", page)  # names of formats, not addresses
    assert not re.search(r"<(script|link|img|iframe)|@import|url\(\s*['\"]?(?!#)", without_names)
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"', without_names)


def test_what_data_says_is_text_and_no_markup() -> None:
    section = Section("<b>", "a & b", tables=[Table(("<i>",), [("<u>",)])])
    text = render(manifest("<script>"), [section])
    assert not re.search("<(script|b|i|u)>", text)


def test_stability_sees_a_shift_of_a_number_and_of_a_flag() -> None:
    rng = np.random.default_rng(1)
    number, flag = rng.normal(0, 1, 4_000), rng.random(4_000) < 0.1
    assert stability_index(number, rng.normal(0, 1, 4_000)) < 0.02
    assert stability_index(number, rng.normal(1, 1, 4_000)) > 0.5
    assert stability_index(flag, rng.random(4_000) < 0.1) < 0.02
    assert stability_index(flag, rng.random(4_000) < 0.4) > 0.3


def test_calibration_holds_scores_against_labels_bin_by_bin() -> None:
    labels = np.array([False, True, True, True])
    found = calibration(labels, np.array([0.25, 0.25, 0.75, 0.75]), (0.5,))
    assert (found.rows.tolist(), found.predicted.tolist()) == ([2, 2], [0.25, 0.75])
    assert (found.observed.tolist(), found.error) == ([0.5, 1.0], 0.25)


def test_importance_is_the_fall_when_a_feature_is_shuffled() -> None:
    rows = np.random.default_rng(1).random((500, 2))
    falls, spread = permutation_importance(
        lambda features: float(np.corrcoef(features[:, 0], rows[:, 0])[0, 1]),
        rows,
        repeats=3,
        seed=1,
    )
    assert falls[0] > 0.8
    assert (falls[1], spread[1]) == (0.0, 0.0)
