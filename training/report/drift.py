"""Whether test rows are still like the rows the model was trained on."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.report import charts
from training.report.measures import SHIFTED, stability_index
from training.report.page import Section, Table
from training.report.run import Run

_BINS = 40
_MOST_FEATURES_SHOWN = 20

Numbers = NDArray[Any]


def drift(run: Run, *, logits: Callable[[Numbers], Numbers] = lambda output: output) -> Section:
    """Population stability of the first output and of each feature, train against test.

    Args:
        run: whose first output is one number a row.
        logits: what is drawn of the output.
    """
    outputs = {
        "train": logits(_first_output(run, run.train.features)),
        "test": logits(_first_output(run, run.test.features)),
    }
    everything = np.concatenate(list(outputs.values()))
    edges = np.linspace(float(everything.min()), float(everything.max()) + 1e-9, _BINS + 1)
    of_output = stability_index(outputs["train"], outputs["test"])
    features = feature_drift(run)
    return Section(
        "Drift",
        f"Population stability index between the training and the test part: {of_output:.3f} for "
        f"the score; below 0.1 is usual, from {SHIFTED} on is called a shift.",
        [
            charts.densities(
                outputs,
                edges,
                x="score as log-odds",
                y="share of rows",
                caption="Scores of both parts; those of the training part are of rows that the "
                "model has seen.",
            ),
            *features.charts,
        ],
        features.tables,
    )


def feature_drift(run: Run) -> Section:
    """Population stability of each feature, train against test."""
    indices = [
        stability_index(run.train.features[:, place], run.test.features[:, place])
        for place in range(run.test.features.shape[1])
    ]
    shown = np.argsort(-np.array(indices))[:_MOST_FEATURES_SHOWN]
    moved = sum(index >= SHIFTED for index in indices)
    return Section(
        "Drift",
        f"Population stability index between the training and the test part: {moved} of "
        f"{len(indices)} features reach {SHIFTED}, which is called a shift.",
        [
            charts.bars(
                [run.use_case.spec.names[place] for place in shown],
                [indices[place] for place in shown],
                x="population stability index",
                caption=f"Features, most moved first; the dashed line is at {SHIFTED}.",
                mark=SHIFTED,
            )
        ],
        [_means(run, shown)],
    )


def _means(run: Run, shown: NDArray[np.int64]) -> Table:
    rows = [
        (
            run.use_case.spec.names[place],
            *(f"{float(np.mean(part.features[:, place])):.4g}" for part in (run.train, run.test)),
        )
        for place in shown
    ]
    return Table(("feature", "mean, train", "mean, test"), rows)


def _first_output(run: Run, features: Numbers) -> Numbers:
    signature = run.use_case.model
    outputs = run.model.outputs(features.astype(signature.input_dtype))
    found: Numbers = outputs[signature.outputs[0].tensor]
    return found
