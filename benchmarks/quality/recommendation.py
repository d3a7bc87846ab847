"""Recommendation by the protocol of the session literature on Diginetica.

For every prefix of every test session all items are ranked for the next click; P@20 (hit rate)
and MRR@20, in percent. The model knows the training sessions alone; their last twelfth chooses
its weights, and no test session is ever added.
"""

from argparse import Namespace
from typing import Final

import numpy as np

from benchmarks.progress import say
from benchmarks.quality.result import Comparison, Goal, Quality
from millrace.sources.diginetica import TEST_START_MS, labelled
from training.dataset import Dataset, build
from training.models.fitted import FitOptions
from training.models.recommendation import fit
from training.progress import silent
from training.ranking import next_item
from udfs.features.sessions import NO_ITEM
from udfs.use_cases.recommendation import ITEMS, RECOMMENDATION, SCORES

_VALIDATION_SHARE, _SEED = 1 / 12, 1
_MEASURES = ("p_at_20", "mrr_at_20")

# SR-GNN: Wu et al. 2019, table 2. The others: measured on this split with untuned settings.
_PUBLISHED: Final = (
    ("popularity", 0.9, 0.2),
    ("item k-nearest-neighbours", 37.3, 12.0),
    ("SR-GNN (published)", 50.73, 17.59),
    ("session k-nearest-neighbours, untuned", 52.0, 18.3),
)
_GOALS: Final = (
    Goal("p_at_20", "P@20, percent", 52.0, True, "SR-GNN 50.73"),
    Goal("mrr_at_20", "MRR@20, percent", 18.3, True, "SR-GNN 17.59"),
)
_PROTOCOL_COUNTS: Final = {"train_clicks": 906_140, "test_clicks": 76_821, "prefixes": 60_858}


def measure(given: Namespace) -> Quality:
    """Counts the votes of the training sessions and ranks for the test ones."""
    say("folding the clicks into sessions")
    data = build(RECOMMENDATION, labelled(given.data))
    known = data[data.times_ms < TEST_START_MS]
    test = data[data.times_ms >= TEST_START_MS]
    cut = float(np.quantile(known.times_ms, 1 - _VALIDATION_SHARE))
    say(f"counting the votes of {len(known):,} clicks")
    model = fit(
        known[known.times_ms < cut],
        known[known.times_ms >= cut],
        RECOMMENDATION.model,
        FitOptions(1, _SEED),
        silent,
    )
    say(f"ranking for {len(test):,} clicks")
    ours = next_item(test, model.outputs(test.features))
    tensors = (ITEMS.tensor, SCORES.tensor)
    rule = next_item(test, dict(zip(tensors, RECOMMENDATION.rule(test.features), strict=True)))
    figures = {name: round(ours[name], 4) for name in (*_MEASURES, "p_at_1")} | _counts(known, test)
    wrong = [
        f"{name} is {figures[name]:,}, the protocol's is {count:,}"
        for name, count in _PROTOCOL_COUNTS.items()
        if figures[name] != count
    ]
    return Quality(figures, [_compared(ours, rule)], wrong, _GOALS)


def _counts(known: Dataset, test: Dataset) -> dict[str, int]:
    prefixes = int(np.sum(test.labels != NO_ITEM))
    return {"train_clicks": len(known), "test_clicks": len(test), "prefixes": prefixes}


def _compared(ours: dict[str, float], rule: dict[str, float]) -> Comparison:
    rows = [(name, *(f"{value:.2f}" for value in values)) for name, *values in _PUBLISHED]
    for name, found in (("millrace, without a model", rule), ("millrace", ours)):
        rows.append((name, *(f"{found[measure]:.2f}" for measure in _MEASURES)))
    return Comparison(
        "Recommendation: the next item of every test prefix of Diginetica, percent",
        ("", "P@20", "MRR@20"),
        rows,
    )
