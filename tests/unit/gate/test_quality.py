"""A candidate is refused when it is worse than allowed and than chance explains."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from millrace.gate import quality
from millrace.gate.limits import Limits
from tests.unit.gate.made_up import labelled, outputs
from training.dataset import Dataset
from udfs.errors import UseCaseError
from udfs.use_cases.fraud import FRAUD
from udfs.use_cases.maintenance import MAINTENANCE
from udfs.use_cases.measures import Measure


def noisy(chances: NDArray[np.float64], spread: float, seed: int = 2) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return np.clip(chances + rng.normal(0, spread, len(chances)), 0, 1)


@pytest.mark.parametrize(
    ("own", "other", "outcome", "reason"),
    [
        (0.0, 0.3, "passed", "against fraud:1: average_precision"),
        (0.0, 0.0, "passed", "on 4,000 rows"),
        (0.3, 0.0, "refused", "worse by"),
        (0.02, 0.0, "passed", "chance explains"),
    ],
    ids=["better", "equal", "worse", "no worse than by chance"],
)
def test_average_precision_decides_about_fraud(
    own: float, other: float, outcome: str, reason: str
) -> None:
    rows, chances = labelled()
    both = [outputs(noisy(chances, spread)) for spread in (own, other)]
    check = quality.metrics(FRAUD, rows, *both, against="fraud:1", limits=Limits(max_loss=0.0))
    assert (check.outcome, reason in check.reason) == (outcome, True), check.reason


def test_a_loss_that_is_allowed_passes_and_is_told() -> None:
    rows, chances = labelled()
    both = outputs(noisy(chances, 0.3)), outputs(chances)
    check = quality.metrics(FRAUD, rows, *both, against="fraud:1", limits=Limits(max_loss=0.9))
    assert check.outcome == "passed"
    assert 0.1 < check.figures["average_precision_loss"] < 0.9


def test_too_few_rows_tell_nothing_in_favour_of_what_looks_worse() -> None:
    rows, chances = labelled()
    few = np.arange(len(rows)) < 60
    both = outputs(noisy(chances, 0.3)[few]), outputs(chances[few])
    check = quality.metrics(FRAUD, rows[few], *both, against="fraud:1", limits=Limits())
    assert (check.outcome, "too few rows to tell" in check.reason) == ("refused", True)


def test_rows_without_a_positive_decide_nothing() -> None:
    rows, chances = labelled()
    none = replace(rows, labels=rows.labels & False)
    both = outputs(chances), outputs(chances)
    check = quality.metrics(FRAUD, none, *both, against="the rule", limits=Limits())
    assert (check.outcome, "is not defined" in check.reason) == ("refused", True)


def test_the_error_of_a_loss_is_that_of_repeated_draws() -> None:
    def losing(test: Dataset, outputs: Mapping[str, NDArray[Any]]) -> dict[str, float]:
        return {"mean": float(np.mean(outputs["score"]))}

    rows, _ = labelled()
    rng = np.random.default_rng(3)
    draws = [{"score": rng.normal(1.0, 0.5, len(rows))} for _ in range(200)]
    fixed = {"score": np.ones(len(rows))}
    seen = np.std([1.0 - np.mean(each["score"]) for each in draws])
    told = [quality.loss_error(Measure("mean"), losing, rows, (each, fixed)) for each in draws]
    assert np.mean(told) == pytest.approx(seen, rel=0.15)


def test_a_measure_that_the_evaluation_does_not_give_is_told() -> None:
    rows, chances = labelled()
    case = replace(FRAUD, measures=(Measure("accuracy"),))
    both = outputs(chances), outputs(chances)
    with pytest.raises(UseCaseError, match=r"'accuracy', which the evaluation does not give.*auc"):
        quality.metrics(case, rows, *both, against="fraud:1", limits=Limits())


@pytest.mark.parametrize(
    ("factor", "most", "outcome"),
    [(1.0, None, "passed"), (1.0, 0.0, "passed"), (8.0, None, "refused"), (8.0, 0.9, "passed")],
    ids=["probabilities", "chance is allowed", "inflated", "allowed"],
)
def test_scores_have_to_be_probabilities(factor: float, most: float | None, outcome: str) -> None:
    rows, chances = labelled(share=0.1)
    inflated = chances * factor / (1 - chances + chances * factor)
    check = quality.calibrated(FRAUD, rows, outputs(inflated), most)
    assert check.outcome == outcome, check.reason


def test_scores_outside_zero_to_one_are_no_probabilities() -> None:
    rows, chances = labelled()
    check = quality.calibrated(FRAUD, rows, outputs(2 * chances), None)
    assert (check.outcome, "outside 0 to 1" in check.reason) == ("refused", True)


def test_calibration_does_not_apply_to_numbers() -> None:
    rows, chances = labelled()
    check = quality.calibrated(MAINTENANCE, rows, {"remaining_life": chances}, None)
    assert (check.outcome, "float32" in check.reason) == ("does not apply", True)
