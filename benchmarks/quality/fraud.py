"""Card fraud by the protocol of the Fraud Detection Handbook, chapter 3, from archived topics.

A week of training, a week until labels are known, a week of test, from which cards are taken that
are known as defrauded by then. The handbook's transactions and labels become an archive first;
nothing but the archive is read after that.
"""

import tempfile
from argparse import Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.handbook_archive import write_archive
from benchmarks.progress import say
from benchmarks.quality.result import Comparison, Goal, Quality
from millrace.archive import Archive, open_archive
from millrace.kafka.topics import LABELS
from millrace.manifest import Manifest
from training.models.fitted import FitOptions
from training.train import from_archive, train
from udfs.errors import ConfigurationError
from udfs.use_cases.fraud import FRAUD

_TRAIN_DAYS, _EPOCHS, _SEED = 7, 20, 1
_WEEK = timedelta(days=7)
_MEASURES = ("auc_roc", "average_precision", "card_precision_at_100")

# fraud-detection-handbook @81cf7d1, BaselineModeling.ipynb (chapter 3) and
# SequentialModeling.ipynb (four folds, of which two lie past 2018-08-14).
_CHAPTER_3: Final = (
    ("logistic regression", 0.871, 0.606, 0.291),
    ("decision tree, depth 2", 0.763, 0.496, 0.241),
    ("random forest", 0.867, 0.658, 0.287),
    ("XGBoost", 0.862, 0.639, 0.273),
)
_FOUR_FOLDS: Final = (
    ("logistic regression, 4 folds", 0.868, 0.623, 0.297),
    ("random forest, 4 folds", 0.870, 0.678, 0.299),
    ("XGBoost, 4 folds", 0.869, 0.687, 0.303),
    ("feed-forward network, 4 folds", 0.876, 0.675, 0.303),
    ("LSTM, 4 folds", 0.876, 0.665, 0.297),
)
_GOALS: Final = (
    Goal("average_precision", "average precision", 0.66, True, "random forest 0.658"),
    Goal("card_precision_at_100", "card precision@100", 0.291, True, "logistic regression 0.291"),
)
_PROTOCOL_AS_OF: Final = date(2018, 8, 22)
_PROTOCOL_COUNTS: Final = {
    "train_rows": 67_240,
    "train_frauds": 598,
    "test_rows": 58_264,
    "test_frauds": 385,
}


def measure(given: Namespace) -> Quality:
    """Trains and tests on the newest weeks of the archive, or as of a date."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="millrace-quality-")))
        archive = _archive(given, folder)
        as_of = _as_of(given.as_of, archive)
        days = [as_of - fold * _WEEK for fold in range(given.folds or 1)]
        found = [_trained(archive, day, given.keep or folder) for day in days]
    figures = _figures(found[0])
    if len(days) > 1:
        figures |= {f"mean_{name}": _mean(found, name) for name in _MEASURES}
    goals = _GOALS if as_of == _PROTOCOL_AS_OF else ()
    return Quality(figures, [_compared(days, found)], _wrong(as_of, figures), goals)


def _archive(given: Namespace, folder: Path) -> Archive:
    if given.archive is not None:
        return open_archive(given.archive, FRAUD.name)
    say("writing transactions and labels into an archive")
    return write_archive(given.data, folder / "archive")


def _as_of(given: str | None, archive: Archive) -> date:
    """The day after the last labels, or the one that was asked for."""
    if given is None:
        return max(archive.dates(LABELS)) + timedelta(days=1)
    try:
        return date.fromisoformat(given)
    except ValueError as error:
        raise ConfigurationError(f"--as-of is a date such as 2018-08-22, not {given!r}") from error


def _trained(archive: Archive, day: date, models_path: Path) -> Manifest:
    as_of = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
    say(f"training from the archive as of {day}")
    source = from_archive(FRAUD, archive.root, as_of=as_of, train_days=_TRAIN_DAYS)
    trained = train(
        FRAUD, source, models_path, options=FitOptions(_EPOCHS, _SEED), train_days=_TRAIN_DAYS
    )
    say(f"report: {trained.report}")
    return trained.manifest


def _figures(manifest: Manifest) -> dict[str, float | int]:
    data = manifest.data
    figures: dict[str, float | int] = {
        name: round(manifest.metrics[name], 4)
        for name in ("average_precision", "card_precision_at_100", "auc_roc")
    }
    return figures | {
        "train_rows": data.train.rows + data.validation.rows,
        "train_frauds": (data.train.positives or 0) + (data.validation.positives or 0),
        "test_rows": data.test.rows,
        "test_frauds": data.test.positives or 0,
    }


def _mean(found: Sequence[Manifest], name: str) -> float:
    return round(float(np.mean([manifest.metrics[name] for manifest in found])), 4)


def _compared(days: Sequence[date], found: Sequence[Manifest]) -> Comparison:
    rows = [
        (f"handbook: {name}", *(f"{value:.3f}" for value in values))
        for name, *values in (*_CHAPTER_3, *_FOUR_FOLDS)
    ]
    for day, manifest in zip(days, found, strict=True):
        values = [manifest.metrics[name] for name in _MEASURES]
        rows.append((f"millrace, as of {day}", *(f"{value:.3f}" for value in values)))
    if len(found) > 1:
        means = [f"{_mean(found, name):.3f}" for name in _MEASURES]
        rows.append((f"millrace, mean of {len(found)} weeks", *means))
    return Comparison(
        "Card fraud: a week of training, a week of label delay, a week of test",
        ("", "AUC ROC", "average precision", "card precision@100"),
        rows,
    )


def _wrong(as_of: date, figures: dict[str, float | int]) -> list[str]:
    if as_of != _PROTOCOL_AS_OF:
        return []
    return [
        f"{name} is {figures[name]:,}, the handbook's is {count:,}"
        for name, count in _PROTOCOL_COUNTS.items()
        if figures[name] != count
    ]
