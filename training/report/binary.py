"""The report on a yes-or-no label: how well scores rank, what they mean, what they rest on."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset
from training.evaluate import Scores, average_precision, precision_recall, roc_auc
from training.report import charts
from training.report.drift import drift
from training.report.measures import calibration, permutation_importance
from training.report.page import Section, Table
from training.report.run import Run
from udfs.use_cases.contract import SCORE

_EDGES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 0.5, 0.7, 0.9)
_REPEATS = 3
_TOP_FEATURES = 3
_DAY_MS = 86_400_000
_MOST_FEATURES_SHOWN = 20
_SMALLEST, _LARGEST = 1e-6, 1 - 1e-6


def sections(run: Run) -> Sequence[Section]:
    """All sections, in the order of reading."""
    scores, rule = _scores(run, run.test), run.use_case.rule(run.test.features)[0]
    falls, spread = permutation_importance(
        lambda features: average_precision(run.test.labels, _score(run, features)),
        run.test.features,
        repeats=_REPEATS,
        seed=run.seed,
    )
    return [
        ranking(run.test.labels, scores, rule, run.model.threshold or 1.0),
        calibrated(run.test.labels, scores),
        drift(run, logits=_logits),
        _importance(run, falls, spread),
        _slices(run, scores, np.argsort(-falls)[:_TOP_FEATURES]),
    ]


def ranking(labels: NDArray[np.bool_], scores: Scores, rule: Scores, threshold: float) -> Section:
    """ROC and precision-recall, with where the threshold stands."""
    both = {"model": scores, "rule": rule}
    decided = scores >= threshold
    hits, alerts = int(np.sum(labels & decided)), int(decided.sum())
    recall, precision = hits / max(int(labels.sum()), 1), hits / max(alerts, 1)
    false_alarms = (alerts - hits) / max(int(np.sum(~labels)), 1)
    named = {"model at the threshold": (false_alarms, recall)}
    return Section(
        "Ranking",
        f"At the threshold {threshold:.4f} the model raises {alerts:,} alerts on "
        f"{len(labels):,} rows; {hits:,} of them are right.",
        [
            charts.lines(
                {name: _roc(labels, some) for name, some in both.items()},
                x="false positive rate",
                y="true positive rate (recall)",
                caption=f"ROC; area {roc_auc(labels, scores):.4f}, of the rule "
                f"{roc_auc(labels, rule):.4f}.",
                points=named,
                diagonal=True,
            ),
            charts.lines(
                {name: steps(labels, some) for name, some in both.items()},
                x="recall",
                y="precision",
                caption="Precision and recall; average precision "
                f"{average_precision(labels, scores):.4f}, of the rule "
                f"{average_precision(labels, rule):.4f}.",
                points={"model at the threshold": (recall, precision)},
            ),
        ],
    )


def steps(labels: NDArray[np.bool_], scores: Scores) -> charts.Line:
    """Recall and precision as the stairs whose area is the average precision.

    >>> steps(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]))[0].tolist()
    [0.0, 0.5, 0.5, 0.5, 0.5, 1.0]
    """
    precision, recall, _ = precision_recall(labels, scores)
    return np.append(0.0, np.repeat(recall, 2)[:-1]), np.repeat(precision, 2)


def calibrated(labels: NDArray[np.bool_], scores: Scores) -> Section:
    """Whether scores are probabilities."""
    found = calibration(labels, scores, _EDGES)
    shown = found.observed > 0
    rows = [
        (f"{p:.5f}", f"{o:.5f}", f"{n:,}")
        for p, o, n in zip(found.predicted, found.observed, found.rows, strict=True)
    ]
    return Section(
        "Calibration",
        f"Of rows with a score near p, a share p should be positive. Expected calibration error "
        f"{found.error:.5f}; mean score {float(np.mean(scores)):.5f}, positives "
        f"{float(np.mean(labels)):.5f}.",
        [
            charts.lines(
                {"bins": (found.predicted[shown], found.observed[shown])},
                x="mean score",
                y="share of positives",
                caption="Scores and what happened, both on logarithmic axes; the dashed line is "
                "where they agree. Bins without a positive are in the table alone.",
                diagonal=True,
                logarithmic=True,
                markers=True,
            )
        ],
        [Table(("mean score", "share of positives", "rows"), rows)],
    )


def _importance(run: Run, falls: NDArray[np.float64], spread: NDArray[np.float64]) -> Section:
    shown = np.argsort(-falls)[:_MOST_FEATURES_SHOWN]
    return Section(
        "Importance",
        "How far average precision on the test part falls when one feature is shuffled among the "
        f"rows ({_REPEATS} times; the mark is one standard deviation). Features that say the same "
        "stand in for each other and look less important than they are together.",
        [
            charts.bars(
                [run.use_case.spec.names[feature] for feature in shown],
                falls[shown].tolist(),
                x="fall of average precision",
                caption="Permutation importance.",
                spread=spread[shown].tolist(),
            )
        ],
    )


def _slices(run: Run, scores: Scores, features: NDArray[Any]) -> Section:
    headings = ("slice", "rows", "positives", "average precision", "ROC area", "alerts", "right")
    tables = [
        Table(headings, [_row(run, name, rows, scores) for name, rows in parts], caption)
        for caption, parts in _parts(run, features)
    ]
    return Section(
        "Slices",
        "The same model on parts of the test: by day, by yes-or-no features, and by quarters of "
        "the most important ones.",
        tables=tables,
    )


def _parts(
    run: Run, features: NDArray[Any]
) -> Iterator[tuple[str, list[tuple[str, NDArray[np.bool_]]]]]:
    """Slices of the test by caption: name and rows, bool (n,)."""
    test, names = run.test, run.use_case.spec.names
    days = test.times_ms // _DAY_MS
    dates = {int(day): str(np.datetime64(int(day), "D")) for day in np.unique(days)}
    yield "By day (UTC)", [(name, days == day) for day, name in dates.items()]
    flags = [f for f in range(len(names)) if set(np.unique(test.features[:, f])) == {0.0, 1.0}]
    for feature in flags:
        column = test.features[:, feature]
        yield names[feature], [("no", column == 0), ("yes", column == 1)]
    for feature in (f for f in features.tolist() if f not in flags):
        column = test.features[:, feature]
        edges = np.unique(np.quantile(column, (0.25, 0.5, 0.75)))
        place = np.searchsorted(edges, column, side="left")
        ends = ["", *(f"above {edge:.4g}" for edge in edges)]
        upto = [*(f"up to {edge:.4g}" for edge in edges), ""]
        quarters = [f"{a} {b}".strip() for a, b in zip(ends, upto, strict=True)]
        parts = [(name, place == at) for at, name in enumerate(quarters)]
        yield names[feature], [(name, rows) for name, rows in parts if rows.any()]


def _row(run: Run, name: str, rows: NDArray[np.bool_], scores: Scores) -> tuple[str, ...]:
    labels, some = run.test.labels[rows], scores[rows]
    alerts = some >= (run.model.threshold or 1.0)
    precision, area = average_precision(labels, some), roc_auc(labels, some)
    return (
        name,
        f"{len(labels):,}",
        f"{int(labels.sum()):,}",
        "-" if np.isnan(precision) else f"{precision:.3f}",
        "-" if np.isnan(area) else f"{area:.3f}",
        f"{int(alerts.sum()):,}",
        f"{int(np.sum(labels & alerts)):,}",
    )


def _roc(labels: NDArray[np.bool_], scores: Scores) -> charts.Line:
    """Shares of negatives and positives above each threshold."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    above = [np.cumsum(kind[order])[last] / max(int(kind.sum()), 1) for kind in (~labels, labels)]
    return np.append(0.0, above[0]), np.append(0.0, above[1])


def _scores(run: Run, part: Dataset) -> Scores:
    return _score(run, part.features)


def _score(run: Run, features: NDArray[Any]) -> Scores:
    rows = features.astype(run.use_case.model.input_dtype)
    return run.model.outputs(rows)[SCORE.tensor]


def _logits(scores: Scores) -> NDArray[np.float64]:
    """Scores on the axis of log-odds, where those near 0 can be told apart."""
    inside = np.clip(scores.astype(np.float64), _SMALLEST, _LARGEST)
    return np.log(inside / (1 - inside))
