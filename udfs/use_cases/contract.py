"""What a use case is: one value that says everything the jobs and the training need."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from udfs.features.columns import column_types
from udfs.features.spec import FeatureSpec
from udfs.features.values import Columns, Features, WindowValues
from udfs.use_cases.declaration import require_declared
from udfs.use_cases.feeds import Duplicates, LabelFeed
from udfs.use_cases.measures import Measure
from udfs.use_cases.signature import DECISION, SCORE, ModelSignature, Output

__all__ = [
    "DECISION",
    "SCORE",
    "Columns",
    "Duplicates",
    "Features",
    "Label",
    "LabelFeed",
    "Measure",
    "ModelSignature",
    "Output",
    "UseCase",
    "WindowValues",
]

Label: TypeAlias = bool | int | float
"""What was to be predicted for a record, once it is known."""


@dataclass(frozen=True)
class UseCase:
    """A use case in one value.

    Attributes:
        name: lower-case word; topics are named `<name>.<stage>`. It ends in none of
            `RESERVED_ENDINGS` of `udfs.use_cases.declaration`.
        record_type: frozen msgspec Struct of a raw record; decoding validates.
        business_id: field that names the record in the business.
        entity_key: field of the first entity key; raw topics are keyed by its decimal text.
        event_time: field of the event time, UTC milliseconds.
        columns: fields that `assemble` reads, beside the folds' keys and values: integers,
            floats, or lists of one fixed length of either.
        spec: feature names, folds and their hash.
        assemble: (columns, what the folds gave by name) -> Features; pure and vectorised.
        model: the model's name and tensors.
        rule: Features -> the model's outputs, an array each, in the signature's order; answers
            when no model does.
        label_delay: how long after the event its label is known.
        allowed_lateness: behind the newest event time of its source partition by more than
            this, a record counts as late (it is scored all the same).
        generate: (seed, start_ms, count, span_ms) -> (record, label) pairs in event-time
            order; the built-in source. A label is a number of `label_dtype`.
        live: (seed, start_ms, records a second) -> the same pairs without end, event times
            going on from start_ms; nothing waits, the sender holds each back until it is due.
        before: what the entities of `live` of the same arguments did before start_ms, in
            event-time order; sent ahead of it. None: nothing that their features need, or
            `generate` with the same seed has it.
        label_dtype: `bool`, `int64` or `float32`.
        fit: `module:function` that trains the model, a `training.models.fitted.Fit`; loaded
            only to train.
        evaluate: `module:function` that measures outputs on test rows, a
            `training.models.fitted.Evaluate`; loaded only to train.
        measures: which of its figures decide whether a model may follow another one.
        report: `module:function` that makes the report's sections, a
            `training.report.run.Sections`; loaded only to train.
        labels: the feed of late labels and the second entity key they go to; None when there are
            no features over labels.
        duplicates: what becomes of a business id that comes twice; None when nobody looks.
        known_positives_leave: an entity with a positive label that is known by the time of the
            test is not tested any more, as a card that is blocked.
        whole_entities: an entity's labels are known when it ends, as a machine's when it fails:
            all its records are trained on, or all are tested, by the time of the last.
    """

    name: str
    record_type: type[msgspec.Struct]
    business_id: str
    entity_key: str
    event_time: str
    columns: tuple[str, ...]
    spec: FeatureSpec
    assemble: Callable[[Columns, Mapping[str, Any]], Features]
    model: ModelSignature
    rule: Callable[[Features], tuple[NDArray[Any], ...]]
    label_delay: timedelta
    allowed_lateness: timedelta
    generate: Callable[[int, int, int, int], Iterator[tuple[Any, Label]]]
    live: Callable[[int, int, float], Iterator[tuple[Any, Label]]]
    before: Callable[[int, int, float], Iterator[tuple[Any, Label]]] | None = None
    label_dtype: str = "bool"
    fit: str = "training.models.binary:fit"
    evaluate: str = "training.evaluate:yes_or_no"
    measures: tuple[Measure, ...] = (Measure("average_precision"),)
    report: str = "training.report.general:sections"
    labels: LabelFeed | None = None
    duplicates: Duplicates | None = None
    known_positives_leave: bool = False
    whole_entities: bool = False

    def __post_init__(self) -> None:
        """Refuses what cannot be a use case, before anything runs.

        Raises:
            UseCaseError: what is declared is of a wrong kind or does not fit together, or the name
                could be that of another one's deployment.
        """
        require_declared(self)

    @cached_property
    def column_types(self) -> Mapping[str, np.dtype[Any]]:
        """The dtype of an entry of each column that is read from a record.

        Raises:
            UseCaseError: a named field is missing or cannot be a column.
        """
        folded = (field for fold in self.spec.folds for field in (fold.key, *fold.values))
        second = () if self.labels is None else (self.labels.entity_key,)
        own = (self.business_id, self.entity_key, self.event_time, *second)
        return column_types(self.record_type, dict.fromkeys((*own, *self.columns, *folded)))
