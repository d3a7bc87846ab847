"""Reports: numbers, drawings, and a page that needs nothing else."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray

from millrace.manifest import Data, DataRange, Manifest, Signature
from training.dataset import Dataset
from training.evaluate import average_precision
from training.report.binary import sections, steps
from training.report.charts import bars
from training.report.measures import calibration, permutation_importance, stability_index
from training.report.page import Section, Table, render
from training.report.run import Run
from udfs.use_cases.fraud import FRAUD

ROWS = 2_000


class AmountModel:
    """Scores by the amount alone, or by a part of another feature too."""

    threshold: float | None = 0.8
    library_versions: Mapping[str, str] = {}

    def __init__(self, other: int = 0, share: float = 0.0) -> None:
        self.other, self.share = other, share

    def outputs(self, features: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        """Scores and decisions."""
        mixed = (1 - self.share) * features[:, 0] + self.share * features[:, self.other]
        score = np.clip(mixed / 100, 0, 1).astype(np.float32)
        return {"score": score, "decision": score >= np.float32(0.8)}

    def save(self, folder: Path) -> None:
        """Not asked for."""
        raise NotImplementedError


def part(seed: int, told_by: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    features = rng.uniform(0, 100, (ROWS, len(FRAUD.spec.names)))
    features[:, 1] = rng.integers(0, 2, ROWS)
    labels = rng.random(ROWS) < features[:, told_by] / 400
    ids = np.arange(ROWS)
    return Dataset(features, labels, ids, ids, np.sort(rng.integers(0, 3 * 86_400_000, ROWS)))


def manifest(source: str = "generator", positives: int | None = 12) -> Manifest:
    period = DataRange(0, 86_400_000, ROWS, positives)
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


def test_no_id_stands_twice_on_a_page_and_each_chart_refers_to_its_own() -> None:
    chart = bars(["a", "b"], [1.0, 2.0], x="x", caption="the same twice")
    two = render(manifest(), [Section("Bars", "", [chart, chart])])
    drawings = re.findall(r"<svg.*?</svg>", two, re.DOTALL)
    ids = [re.findall(r'\sid="([^"]*)"', drawing) for drawing in drawings]
    used = [re.findall(r'(?:href="|url\()#([^")]*)', drawing) for drawing in drawings]
    assert len(set(ids[0] + ids[1])) == two.count(' id="') == 2 * len(ids[0])
    assert all(refer and set(refer) <= set(own) for refer, own in zip(used, ids, strict=True))


def test_every_table_can_be_scrolled_by_itself(page: str) -> None:
    assert page.count('<div class="table"><table>') == page.count("<table>") > 0


def test_positives_are_told_of_yes_or_no_labels_alone(page: str) -> None:
    assert "<th>positive</th>" in page
    assert "<th>positive</th>" not in render(manifest(positives=None), [])


def test_the_days_that_are_left_out_before_the_test_are_told(page: str) -> None:
    found, week_ms = manifest(), 7 * 86_400_000
    later = replace(found.data.test, start_ms=found.data.validation.end_ms + week_ms)
    page_of_later = render(replace(found, data=replace(found.data, test=later)), [])
    assert "7 days before the test" in page_of_later
    assert "before the test" not in page


def test_slices_go_by_the_most_important_feature_first() -> None:
    told_by = FRAUD.spec.names.index("terminal_risk_7d")
    train, validation, test = (part(seed, told_by) for seed in (1, 2, 3))
    run = Run(FRAUD, AmountModel(told_by, share=0.8), train, validation, test, seed=1)
    captions = [table.caption for table in sections(run)[-1].tables]
    assert captions[captions.index("weekend") + 1] == "terminal_risk_7d"


def test_the_area_below_precision_and_recall_is_the_average_precision() -> None:
    labels = np.array([True, False, True, True, False])
    scores = np.array([0.9, 0.8, 0.8, 0.4, 0.1])
    recall, precision = steps(labels, scores)
    assert np.trapezoid(precision, recall) == pytest.approx(average_precision(labels, scores))


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
