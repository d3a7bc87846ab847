"""From records to a published version, in one call."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from math import ceil, isfinite
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from millrace.manifest import Data, DataRange, Manifest
from millrace.registry import version_path
from millrace.sources.files import labelled_records
from millrace.sources.generator import past
from millrace.version_directory import EXTRA
from training.archived.build import ArchiveSource
from training.dataset import Dataset, build
from training.export import REPORT, export
from training.models.fitted import Evaluate, FitOptions, FittedModel, find_evaluate, find_fit
from training.progress import OnProgress, silent
from training.report.page import Section
from training.report.run import Run, Sections, find_sections
from training.split import (
    TEST_DAYS,
    Period,
    Split,
    by_last_record,
    split_before,
    without_known_positives,
)
from udfs.errors import DataError
from udfs.use_cases.contract import Label, UseCase

_DAY_MS = 86_400_000


class Source(Protocol):
    """What a data set is made from."""

    @property
    def description(self) -> str:
        """How to make it again; goes into the manifest."""

    def dataset(self, use_case: UseCase, on_progress: OnProgress) -> Dataset:
        """The labelled rows, in event-time order."""


@dataclass(frozen=True)
class RecordSource:
    """Labelled records in event-time order.

    Attributes:
        records: records with their labels.
        description: how to make them again; goes into the manifest.
        total: how many there are, if known.
    """

    records: Iterable[tuple[Any, Label]]
    description: str
    total: int | None = None

    def dataset(self, use_case: UseCase, on_progress: OnProgress) -> Dataset:
        """The rows that the folds of the stream make of the records."""
        return build(use_case, self.records, total=self.total, on_progress=on_progress)


@dataclass(frozen=True)
class Trained:
    """A published version: its directory and its manifest."""

    path: Path
    manifest: Manifest

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / EXTRA / REPORT


def from_generator(
    use_case: UseCase, *, count: int, days: int, seed: int, end: datetime | None = None
) -> RecordSource:
    """The generator's history of so many days, up to `end` or now, in whole seconds."""
    end = (end or datetime.now(timezone.utc)).replace(microsecond=0)
    end_ms = 1_000 * int(end.timestamp())
    records = past(use_case, seed=seed, count=count, span=timedelta(days=days), end_ms=end_ms)
    until = end.strftime("%Y-%m-%dT%H:%M:%S")
    return RecordSource(
        records, f"generator seed={seed} count={count} days={days} until={until}", count
    )


def from_files(use_case: UseCase, path: Path) -> RecordSource:
    """The records in a folder that the user brings."""
    return RecordSource(labelled_records(use_case, path), f"files in {path.resolve().name}")


def from_archive(
    use_case: UseCase,
    root: Path,
    *,
    as_of: datetime,
    train_days: int | None,
    max_clock_skew_ms: int = 3_600_000,
) -> ArchiveSource:
    """Archived records with the labels that were known as of a time.

    Args:
        use_case: whose archive.
        root: folder of all archives.
        as_of: what became known later is left out.
        train_days: as in `train`; None takes all there is.
        max_clock_skew_ms: as in the job.
    """
    days = None
    if train_days is not None:
        days = train_days + ceil(use_case.label_delay / timedelta(days=1)) + TEST_DAYS
    return ArchiveSource(root, as_of, days, max_clock_skew_ms)


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
        source: what the data set is made from.
        models_path: base path of the models.
        options: epochs and seed.
        train_days: days of training and validation before the label delay; None: all.
        on_progress: told of features and epochs.

    Raises:
        MillraceError: the use case's training, measures or report cannot be loaded, or the data
            cannot be used.
    """
    # All of them now: a report that is not there would show when the training is done.
    fit, evaluate, sections = find_fit(use_case), find_evaluate(use_case), find_sections(use_case)
    data = source.dataset(use_case, on_progress)
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
        metrics=_measured(use_case, model, parts["test"], evaluate),
        test=parts["test"],
        seed=options.seed,
        sections=_report(sections, Run(use_case, model, **parts, seed=options.seed), on_progress),
    )
    return Trained(version_path(models_path, manifest.model_name, manifest.version), manifest)


def _report(sections: Sections, run: Run, on_progress: OnProgress) -> Sequence[Section]:
    on_progress("report", 0, 1)
    found = sections(run)
    on_progress("report", 1, 1)
    return found


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


def _measured(
    use_case: UseCase, model: FittedModel, test: Dataset, evaluate: Evaluate
) -> dict[str, float]:
    """The measures of the model, and under `rule_…` those of the use case's rule."""
    signature = use_case.model
    tensors = (output.tensor for output in signature.outputs)
    answers = {
        "": model.outputs(test.features.astype(signature.input_dtype)),
        "rule_": dict(zip(tensors, use_case.rule(test.features), strict=True)),
    }
    return {
        f"{prefix}{name}": value
        for prefix, outputs in answers.items()
        for name, value in evaluate(test, outputs).items()
        if isfinite(value)  # without a positive some are undefined, and JSON has no NaN
    }
