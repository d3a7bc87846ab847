"""The report on remaining lives: predicted and true, by life stage, early and late, by slice."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset
from training.evaluate_life import phm_score, rmse
from training.report import charts
from training.report.measures import permutation_importance
from training.report.page import Section, Table
from training.report.run import Run
from udfs.use_cases.maintenance import LONGEST_LIFE, REMAINING_LIFE
from udfs.use_cases.maintenance_regimes import CENTRES

Floats = NDArray[np.float64]

_STAGES = (0, 10, 25, 50, 75, 100, 125)
_BIN_CYCLES = 5
_FEWEST_IN_BIN = 5
# Answers and labels are between 0 and the longest life, so every error is in here.
_ERROR_EDGES = np.arange(-LONGEST_LIFE, LONGEST_LIFE + 1, 5.0)
_WORST_UNITS = 10
_MOST_FEATURES_SHOWN = 20
_IMPORTANCE_ROWS = 4_000
_REPEATS = 2
_HEADINGS = (
    "",
    "rows",
    "RMSE (cycles)",
    "rule's RMSE (cycles)",
    "mean error (cycles)",
    "share late",
    "PHM score a row",
)


class _Judged:
    """Truth, predictions and the rule's on the test part, all capped; (n,) each."""

    def __init__(self, run: Run) -> None:
        self.test = run.test
        self.true = np.minimum(run.test.labels, LONGEST_LIFE).astype(np.float64)
        self.given = _given(run, run.test)
        self.rule = run.use_case.rule(run.test.features)[0].astype(np.float64)

    def row(self, name: str, rows: NDArray[Any]) -> tuple[str, ...]:
        """The measures of some rows, as they are shown."""
        true, given = self.true[rows], self.given[rows]
        error = given - true
        return (
            name,
            f"{len(true):,}",
            f"{rmse(true, given):.2f}",
            f"{rmse(true, self.rule[rows]):.2f}",
            f"{error.mean():+.2f}",
            f"{np.mean(error > 0):.1%}",
            f"{phm_score(true, given) / len(true):.2f}",
        )


def sections(run: Run) -> Sequence[Section]:
    """All sections, in the order of reading."""
    judged = _Judged(run)
    return [
        _compared(judged),
        _stages(judged),
        _asymmetry(judged),
        _importance(run, judged),
        _slices(judged),
    ]


def _given(run: Run, part: Dataset) -> Floats:
    rows = part.features.astype(run.use_case.model.input_dtype)
    return np.asarray(run.model.outputs(rows)[REMAINING_LIFE.tensor], np.float64)


def _compared(judged: _Judged) -> Section:
    true, given, units = judged.true, judged.given, len(np.unique(judged.test.entity_keys))
    place = (true // _BIN_CYCLES).astype(int)
    full = [at for at in np.unique(place) if np.sum(place == at) >= _FEWEST_IN_BIN]
    middle = np.array([true[place == at].mean() for at in full])
    low, mean, high = (
        np.array([measure(given[place == at]) for at in full])
        for measure in (lambda x: np.quantile(x, 0.1), np.mean, lambda x: np.quantile(x, 0.9))
    )
    return Section(
        "Predicted and true",
        f"{len(true):,} readings of {units:,} machines that the model has not seen. Labels are cut "
        f"to {LONGEST_LIFE:.0f} cycles, as its answers are. RMSE {rmse(true, given):.2f} cycles, "
        f"of the rule {rmse(true, judged.rule):.2f}; all errors are in cycles, above too.",
        [
            charts.lines(
                {"mean prediction": (middle, mean)},
                x="true remaining life (cycles)",
                y="predicted (cycles)",
                caption=f"Means over bins of {_BIN_CYCLES} cycles; the dashed line is the truth.",
                diagonal=True,
            ),
            charts.lines(
                {"90 % are below": (middle, high), "10 % are below": (middle, low)},
                x="true remaining life (cycles)",
                y="predicted (cycles)",
                caption="Where eight of ten predictions lie; the dashed line is the truth.",
                diagonal=True,
            ),
        ],
    )


def _stages(judged: _Judged) -> Section:
    rows = [
        judged.row(f"{low} to {high} cycles left", stage)
        for low, high in pairwise(_STAGES)
        if (stage := (judged.test.labels >= low) & (judged.test.labels < high)).any()
    ]
    beyond = judged.test.labels >= _STAGES[-1]
    if beyond.any():
        rows.append(judged.row(f"{_STAGES[-1]} and more cycles left", beyond))
    return Section(
        "Error by life stage",
        "What counts most is the end of a life: an error of 20 cycles matters with 15 cycles left "
        "and not with 100.",
        [
            charts.bars(
                [row[0] for row in rows],
                [float(row[2]) for row in rows],
                x="RMSE (cycles)",
                caption="RMSE by the cycles that were left.",
            )
        ],
        [Table(_HEADINGS, rows)],
    )


def _asymmetry(judged: _Judged) -> Section:
    error = judged.given - judged.true
    late, early = error > 0, error < 0
    cost = phm_score(judged.true, judged.given)
    by_late = phm_score(judged.true[late], judged.given[late])
    return Section(
        "Early and late",
        "A late prediction says that more is left than there is: the machine fails before somebody "
        f"comes. {late.mean():.1%} of the predictions are late, by {_mean(error[late]):.1f} cycles "
        f"on average; {early.mean():.1%} are early, by {_mean(-error[early]):.1f}. The late ones "
        f"make {by_late / max(cost, 1e-9):.0%} of the PHM score.",
        [
            charts.densities(
                {"model": error, "rule": judged.rule - judged.true},
                _ERROR_EDGES,
                x="predicted less true (cycles): early on the left, late on the right",
                y="share of readings",
                caption="How errors lie.",
            )
        ],
    )


def _importance(run: Run, judged: _Judged) -> Section:
    draw = np.random.default_rng(run.seed)
    some = draw.permutation(len(run.test))[:_IMPORTANCE_ROWS]
    true = judged.true[some]

    def closeness(features: NDArray[Any]) -> float:
        rows = features.astype(run.use_case.model.input_dtype)
        return -rmse(true, run.model.outputs(rows)[REMAINING_LIFE.tensor])

    falls, spread = permutation_importance(
        closeness, run.test.features[some], repeats=_REPEATS, seed=run.seed
    )
    shown = np.argsort(-falls)[:_MOST_FEATURES_SHOWN]
    return Section(
        "Importance",
        "How far RMSE rises when one feature is shuffled among the rows. Features that say the "
        "same stand in for each other and look less important than they are together.",
        [
            charts.bars(
                [run.use_case.spec.names[feature] for feature in shown],
                falls[shown].tolist(),
                x="rise of RMSE (cycles)",
                caption=f"Permutation importance over {len(some):,} readings.",
                spread=spread[shown].tolist(),
            )
        ],
    )


def _slices(judged: _Judged) -> Section:
    tables = [
        Table(_HEADINGS, [judged.row(name, rows) for name, rows in parts], caption)
        for caption, parts in _parts(judged)
    ]
    return Section(
        "Slices",
        "The same model on parts of the test: by operating regime, by how long the machine has "
        "run, and the machines on which it is furthest off.",
        tables=tables,
    )


def _parts(judged: _Judged) -> Iterator[tuple[str, list[tuple[str, NDArray[np.bool_]]]]]:
    """Slices of the test by caption: name and rows, bool (n,)."""
    cycle, regime = judged.test.features[:, 0], judged.test.features[:, 1].astype(int)
    yield (
        "By operating regime (altitude in 1,000 ft, Mach number, throttle angle in degrees)",
        [(str(CENTRES[place]), regime == place) for place in np.unique(regime)],
    )
    edges = np.unique(np.quantile(cycle, (0.25, 0.5, 0.75)))
    quarter = np.searchsorted(edges, cycle)
    names = [*(f"up to cycle {edge:.0f}" for edge in edges), f"after cycle {edges[-1]:.0f}"]
    yield "By age", [(names[at], quarter == at) for at in np.unique(quarter)]
    units = judged.test.entity_keys
    found = [
        (rmse(judged.true[rows], judged.given[rows]), unit, rows) for unit, rows in _units(units)
    ]
    worst = sorted(found, key=lambda each: -each[0])[:_WORST_UNITS]
    yield "The machines furthest off", [(f"unit {unit}", rows) for _, unit, rows in worst]


def _units(units: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    for unit in np.unique(units).tolist():
        yield unit, units == unit


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0
