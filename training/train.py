"""From records to a published version, in one call."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from millrace.manifest import Data, DataRange, Manifest
from millrace.registry import version_path
from millrace.sources.files import labelled_records
from millrace.sources.generator import past
from training.dataset import Dataset, build
from training.export import export
from training.models.fitted import FitOptions, FittedModel, find_evaluate, find_fit
from training.progress import OnProgress, silent
from training.split import Period, Split, by_last_record, split_before, without_known_positives
from udfs.errors import DataError
from udfs.use_cases.contract import Label, UseCase

_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Source:
    """Labelled records in event-time order.

    Attributes:
        records: records with their labels.
        description: how to make them again; goes into the manifest.
        total: how many there are, if known.
    """

    records: Iterable[tuple[Any, Label]]
    description: str
    total: int | None = None


@dataclass(frozen=True)
class Trained:
    """A published version: its directory and its manifest."""

    path: Path
    manifest: Manifest


def from_generator(
    use_case: UseCase, *, count: int, days: int, seed: int, end: datetime | None = None
) -> Source:
    """The generator's history of so many days, up to `end` or now, in whole seconds."""
    end = (end or datetime.now(timezone.utc)).replace(microsecond=0)
    end_ms = 1_000 * int(end.timestamp())
    records = past(use_case, seed=seed, count=count, span=timedelta(days=days), end_ms=end_ms)
    until = end.strftime("%Y-%m-%dT%H:%M:%S")
    return Source(records, f"generator seed={seed} count={count} days={days} until={until}", count)


def from_files(use_case: UseCase, path: Path) -> Source:
    """The records in a folder that the user brings."""
    return Source(labelled_records(use_case, path), f"files in {path.resolve().name}")


def train(
    use_case: UseCase,
    source: Source,
    models_path: Path,
    *,
    options: FitOptions,
    train_days: int | None = None,
    on_progress: OnProgress = silent,
) -> Trained:
    """Builds the data set, trains, evaluates by a split in time, and publishes.

    Args:
        use_case: what to train for; its `fit` makes the model.
        source: labelled records in event-time order.
        models_path: base path of the models.
        options: epochs and seed.
        train_days: days of training and validation before the label delay; None: all.
        on_progress: told of features and epochs.

    Raises:
        MillraceError: the use case's training cannot be loaded, or the data cannot be used.
    """
    fit = find_fit(use_case)
    data = build(use_case, source.records, total=source.total, on_progress=on_progress)
    split = _split(use_case, data, train_days)
    known = by_last_record(data) if use_case.whole_entities else data
    parts = {
        "train": data[split.train.of(known)],
        "validation": data[split.validation.of(known)],
        "test": data[_tested(use_case, known, split)],
    }
    for name, part in parts.items():
        if not len(part):
            raise DataError(f"no records are left for the {name} part")
    model = fit(parts["train"], parts["validation"], use_case.model, options, on_progress)
    manifest = export(
        models_path,
        use_case,
        model,
        data=Data(
            source.description,
            _range(split.train, parts["train"]),
            _range(split.validation, parts["validation"]),
            _range(split.test, parts["test"]),
        ),
        metrics=_measured(use_case, model, parts["test"]),
        test=parts["test"],
        seed=options.seed,
    )
    return Trained(version_path(models_path, manifest.model_name, manifest.version), manifest)


def _split(use_case: UseCase, data: Dataset, train_days: int | None) -> Split:
    """The split whose test ends with the last UTC day that has data."""
    first, last = int(data.times_ms[0]), int(data.times_ms[-1])
    end = (last // _DAY_MS + 1) * _DAY_MS
    start = first - first % _DAY_MS
    return split_before(
        end, start_ms=start, label_delay=use_case.label_delay, train_days=train_days
    )


def _tested(use_case: UseCase, data: Dataset, split: Split) -> Any:
    rows = split.test.of(data)
    if not use_case.known_positives_leave:
        return rows
    return without_known_positives(data, rows, split.known, use_case.label_delay)


def _range(period: Period, part: Dataset) -> DataRange:
    positives = int(part.labels.sum()) if part.labels.dtype == np.bool_ else None
    return DataRange(period.start_ms, period.end_ms, len(part), positives)


def _measured(use_case: UseCase, model: FittedModel, test: Dataset) -> dict[str, float]:
    """The measures of the model, and under `rule_…` those of the use case's rule."""
    signature = use_case.model
    tensors = (output.tensor for output in signature.outputs)
    answers = {
        "": model.outputs(test.features.astype(signature.input_dtype)),
        "rule_": dict(zip(tensors, use_case.rule(test.features), strict=True)),
    }
    evaluate = find_evaluate(use_case)
    return {
        f"{prefix}{name}": value
        for prefix, outputs in answers.items()
        for name, value in evaluate(test, outputs).items()
        if isfinite(value)  # without a positive some are undefined, and JSON has no NaN
    }
