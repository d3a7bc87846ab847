"""How good a candidate is beside the champion, on the same rows."""

import numpy as np
from numpy.typing import NDArray

from millrace.gate.limits import Limits
from millrace.gate.served import Outputs
from millrace.verdict import NOT_APPLICABLE, PASSED, REFUSED, Check
from training.dataset import Dataset
from training.models.fitted import Evaluate, find_evaluate
from training.report.measures import Calibration, calibration
from udfs.errors import UseCaseError
from udfs.use_cases.contract import SCORE, Measure, UseCase

METRICS, CALIBRATION = "metrics", "calibration"
_GROUPS = 20
_ONE_SIDED_95 = 1.645
_UNTELLING = 0.2
"""Chance so large, as a share of the champion's figure, tells nothing of a model that is worse."""
_MOST_ERROR, _OF_RARER = 0.05, 2.0
_EDGES = tuple(float(edge) for edge in np.logspace(-4, 0, 17)[:-1])


def metrics(
    use_case: UseCase,
    rows: Dataset,
    candidate: Outputs,
    champion: Outputs,
    *,
    against: str,
    limits: Limits,
) -> Check:
    """The use case's measures of both.

    Worse means: by more than `limits.max_loss`, and by more than chance explains (95 %,
    one-sided).
    """
    evaluate = find_evaluate(use_case)
    found = [
        _compared(measure, evaluate, rows, (candidate, champion), limits.max_loss)
        for measure in use_case.measures
    ]
    figures = {name: value for _, _, each in found for name, value in each.items()}
    outcome = PASSED if all(passed for passed, _, _ in found) else REFUSED
    told = "; ".join(text for _, text, _ in found)
    return Check(METRICS, outcome, f"on {len(rows):,} rows, against {against}: {told}", figures)


def _compared(
    measure: Measure,
    evaluate: Evaluate,
    rows: Dataset,
    both: tuple[Outputs, Outputs],
    max_loss: float,
) -> tuple[bool, str, dict[str, float]]:
    """Whether the candidate passes, in words, and the figures."""
    name = measure.name
    own, other = (_figure(name, evaluate, rows, outputs) for outputs in both)
    if not np.isfinite([own, other]).all():
        return False, f"{name} is not defined on these rows", {}
    loss = measure.loss(own, other)
    told = f"{name} {own:.4f} beside {other:.4f}"
    figures = {name: own, f"champion_{name}": other, f"{name}_loss": loss}
    if loss <= max_loss:
        return True, told, figures
    chance = _ONE_SIDED_95 * loss_error(measure, evaluate, rows, both)
    figures[f"{name}_chance"] = chance
    told += f", worse by {loss:.1%}; allowed are {max_loss:.1%}, chance explains {chance:.1%}"
    if loss > chance:
        return False, told, figures
    if not chance <= _UNTELLING:
        return False, f"{told}: too few rows to tell", figures
    return True, told, figures


def _figure(name: str, evaluate: Evaluate, rows: Dataset, outputs: Outputs) -> float:
    found = evaluate(rows, outputs)
    if name not in found:
        raise UseCaseError(
            f"models are compared by {name!r}, which the evaluation does not give; `measures` of "
            f"the use case has to name some of {', '.join(found)}"
        )
    return found[name]


def loss_error(
    measure: Measure, evaluate: Evaluate, rows: Dataset, both: tuple[Outputs, Outputs]
) -> float:
    """The standard error of the loss: a jackknife over twenty groups of whole entities.

    Each group is left out in turn; with g losses x, it is the root of (g - 1) / g * sum((x -
    mean(x))^2) (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 11). Nothing is
    drawn, so the same rows give the same verdict.
    """
    _, place = np.unique(rows.entity_keys, return_inverse=True)
    losses = []
    for group in range(_GROUPS):
        kept = place % _GROUPS != group
        own, other = (
            _figure(measure.name, evaluate, rows[kept], _some(outputs, kept)) for outputs in both
        )
        losses.append(measure.loss(own, other))
    spread = np.array(losses) - np.mean(losses)
    return float(np.sqrt((_GROUPS - 1) / _GROUPS * np.sum(spread**2)))


def _some(outputs: Outputs, kept: NDArray[np.bool_]) -> Outputs:
    return {name: values[kept] for name, values in outputs.items()}


def calibrated(use_case: UseCase, rows: Dataset, outputs: Outputs, most: float | None) -> Check:
    """Whether scores of yes-or-no labels are probabilities.

    Without a limit of one's own the error may be twice the share of the rarer label, at most 0.05.
    To either is added what a perfect model of so many rows shows by chance.
    """
    if use_case.label_dtype != "bool" or SCORE.tensor not in outputs:
        reason = f"labels are {use_case.label_dtype}: there are no probabilities to hold to them"
        return Check(CALIBRATION, NOT_APPLICABLE, reason)
    scores = outputs[SCORE.tensor].astype(np.float64)
    if scores.min() < 0 or scores.max() > 1:
        return Check(CALIBRATION, REFUSED, "scores outside 0 to 1 are no probabilities")
    share = float(np.mean(rows.labels))
    found = calibration(rows.labels, scores, _EDGES)
    allowed = min(_MOST_ERROR, _OF_RARER * min(share, 1 - share)) if most is None else most
    limit = allowed + _chance(found)
    told = (
        f"expected calibration error {found.error:.5f}, allowed are {limit:.5f}; mean score "
        f"{float(np.mean(scores)):.5f}, positives {share:.5f}"
    )
    figures = {"expected_calibration_error": found.error, "limit": limit, "positives": share}
    return Check(CALIBRATION, PASSED if found.error <= limit else REFUSED, told, figures)


def _chance(found: Calibration) -> float:
    """The most calibration error that exact probabilities show by chance (95 %).

    The share of positives among n rows lies around p normally with variance p (1 - p) / n; its
    distance from p has a mean of the root of 2 / pi and a variance of 1 - 2 / pi times that.

    >>> round(_chance(Calibration(np.array([100]), np.array([0.5]), np.array([0.4]))), 4)
    0.0895
    """
    variance = found.predicted * (1 - found.predicted) / found.rows
    weights = found.rows / found.rows.sum()
    mean = np.sum(weights * np.sqrt(2 / np.pi * variance))
    spread = np.sqrt(np.sum(weights**2 * (1 - 2 / np.pi) * variance))
    return float(mean + _ONE_SIDED_95 * spread)
