"""Remaining useful life on C-MAPSS, by the field's protocol and cross-validated by engine.

The model that `millrace train maintenance` makes is trained on a subset's training engines and
asked once for each test engine's remaining life at its last cycle. Labels are measured capped at
125 cycles and uncapped; the two are never mixed. The training engines are cross-validated beside
it (`--folds K`): a K-th of them is held out whole, and asked at ten random cycles of each from the
21st on.
"""

from argparse import Namespace
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from benchmarks.progress import say
from benchmarks.quality.result import Comparison, Goal, Quality
from millrace.sources.cmapss import Subset, find_subsets, test_engines, training_engines
from training.dataset import Dataset, build
from training.evaluate_life import phm_score, rmse
from training.models.fitted import FitOptions
from training.models.remaining_life import fit
from training.progress import silent
from udfs.use_cases.maintenance import LONGEST_LIFE, MAINTENANCE, REMAINING_LIFE

_OPTIONS = FitOptions(epochs=20, seed=1)
_FOLDS = 5
_FIRST_CUT, _CUTS_AN_ENGINE = 20, 10
_CUTS_SEED = 1
_MEASURES = ("rmse_capped", "rmse_uncapped", "phm_capped", "phm_uncapped")

# Engines and cycles of the published files.
_PROTOCOL_COUNTS: Mapping[str, Mapping[str, int]] = {
    "FD001": {"test_engines": 100, "train_engines": 100, "train_cycles": 20_631},
    "FD002": {"test_engines": 259, "train_engines": 260, "train_cycles": 53_759},
}

# RMSE with labels capped at 125 cycles, and uncapped.
_PUBLISHED: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "FD001": (
        ("gradient boosting, plain", "11.28", "12.41"),
        ("STAR 2024", "10.61", ""),
        ("DCNN 2018", "", "12.61"),
    ),
    "FD002": (
        ("gradient boosting, plain", "10.96", "23.59"),
        ("STAR 2024", "13.47", ""),
        ("DCNN 2018", "", "22.36"),
    ),
}

_GOALS: Mapping[str, Goal] = {
    "FD001": Goal("rmse_capped_fd001", "RMSE of FD001, capped", 11.3, False, "STAR 10.61"),
    "FD002": Goal("rmse_capped_fd002", "RMSE of FD002, capped", 11.0, False, "STAR 13.47"),
}


def measure(given: Namespace) -> Quality:
    """Trains on and measures every subset under `given.data`."""
    figures: dict[str, float | int] = {}
    comparisons, wrong, goals = [], [], []
    for subset in find_subsets(given.data):
        found = _of_subset(subset, given.folds or _FOLDS)
        figures |= {f"{name}_{subset.name.lower()}": value for name, value in found.items()}
        comparisons.append(_compared(subset.name, found))
        goals += [_GOALS[subset.name]] if subset.name in _GOALS else []
        wrong += [
            f"{name} of {subset.name} is {found[name]:,}, the protocol's is {count:,}"
            for name, count in _PROTOCOL_COUNTS.get(subset.name, {}).items()
            if found[name] != count
        ]
    return Quality(figures, comparisons, wrong, goals)


def _compared(subset: str, found: Mapping[str, float | int]) -> Comparison:
    """Published rows and ours; labels capped at 125 cycles and uncapped are never mixed."""
    names = (
        (f"millrace, {found['test_engines']} test engines", ""),
        (f"millrace, cross-validated over {found['train_engines']} engines", "cv_"),
    )
    ours = [
        (name, *(f"{found[prefix + measure]:,.2f}" for measure in _MEASURES))
        for name, prefix in names
        if prefix + _MEASURES[0] in found
    ]
    return Comparison(
        f"C-MAPSS {subset}: remaining life at the last cycle of each test engine",
        ("", "RMSE, capped", "RMSE, uncapped", "PHM, capped", "PHM, uncapped"),
        [*((*row, "", "") for row in _PUBLISHED.get(subset, ())), *ours],
    )


def _of_subset(subset: Subset, folds: int) -> dict[str, float | int]:
    train = build(MAINTENANCE, training_engines(subset))
    test = build(MAINTENANCE, test_engines(subset))
    say(f"maintenance: {subset.name}, training on {len(train):,} cycles")
    ends = np.append(np.flatnonzero(np.diff(test.entity_keys)), len(test) - 1)
    counts = {
        "test_engines": len(ends),
        "train_engines": len(np.unique(train.entity_keys)),
        "train_cycles": len(train),
    }
    found = counts | _measured("", test.labels[ends], _predicted(train, test)[ends])
    if folds > 1:
        cuts = _cuts(train.entity_keys)
        found |= _measured("cv_", train.labels[cuts], _cross_validated(train, folds)[cuts])
    return found


def _measured(
    prefix: str, true: NDArray[np.float32], given: NDArray[np.float32]
) -> dict[str, float]:
    capped = np.minimum(true, LONGEST_LIFE)
    return {
        f"{prefix}rmse_capped": round(rmse(capped, given), 3),
        f"{prefix}rmse_uncapped": round(rmse(true, given), 3),
        f"{prefix}phm_capped": round(phm_score(capped, given), 1),
        f"{prefix}phm_uncapped": round(phm_score(true, given), 1),
    }


def _predicted(train: Dataset, test: Dataset) -> NDArray[np.float32]:
    """What a model that was trained on one part gives for the other, (n,)."""
    model = fit(train, train[:0], MAINTENANCE.model, _OPTIONS, silent)
    given: NDArray[np.float32] = model.outputs(test.features.astype(np.float32))[
        REMAINING_LIFE.tensor
    ]
    return given


def _cross_validated(train: Dataset, folds: int) -> NDArray[np.float32]:
    """For each row what a model gives that has not seen its engine, (n,)."""
    given = np.zeros(len(train), dtype=np.float32)
    for place, held_out in enumerate(_parts(train.entity_keys, folds), start=1):
        given[held_out] = _predicted(train[~held_out], train[held_out])
        say(f"maintenance: cross-validation {place} of {folds}")
    return given


def _parts(engines: NDArray[np.int64], folds: int) -> Iterator[NDArray[np.bool_]]:
    """Which rows are held out, bool (n,), a fold at a time; engines stay whole."""
    known = np.random.default_rng(_CUTS_SEED).permutation(np.unique(engines))
    for fold in range(folds):
        yield np.isin(engines, known[fold::folds])


def _cuts(engines: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of random cycles of each engine, in the order of engines."""
    draw = np.random.default_rng(_CUTS_SEED)
    return np.concatenate(
        [
            draw.choice(np.flatnonzero(engines == engine)[_FIRST_CUT:], _CUTS_AN_ENGINE)
            for engine in np.unique(engines)
        ]
    )
