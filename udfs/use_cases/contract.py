"""What a use case is: one value that says everything the jobs and the training need."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from udfs.errors import UseCaseError
from udfs.features.columns import column_types
from udfs.features.spec import FeatureSpec
from udfs.features.values import Columns, Features, WindowValues
from udfs.use_cases.feeds import Duplicates, LabelFeed
from udfs.use_cases.measures import Measure

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

RESERVED_ENDINGS = ("-once", "-archive", "-alarms")
"""What deployments of one use case end in beside its main one, so no use case's name does."""

Label: TypeAlias = bool | int | float
"""What was to be predicted for a record, once it is known."""


@dataclass(frozen=True)
class Output:
    """One tensor that the model gives, and where it stands in a prediction.

    Attributes:
        tensor: name of the signature's output.
        field: name of the prediction's field.
        dtype: `float32`, `int64` or `bool`.
        width: None for one value a row, shape (n,); k for a list of k values, shape (n, k).
        limits: the lowest and the highest value that it takes; labels beyond are learnt as the
            nearer one. None: any.

    >>> Output("items", "items", "int64", 20).shape(3)
    (3, 20)
    """

    tensor: str
    field: str
    dtype: str = "float32"
    width: int | None = None
    limits: tuple[float, float] | None = None

    def shape(self, rows: int) -> tuple[int, ...]:
        """The shape of the output for so many rows."""
        return (rows,) if self.width is None else (rows, self.width)


SCORE = Output("score", "output")
"""How likely a yes-or-no label is, from 0 to 1."""

DECISION = Output("decision", "decision", "bool")
"""Whether the score reaches the version's threshold."""


@dataclass(frozen=True)
class ModelSignature:
    """The model's name and the tensors it takes and gives.

    The model takes `input_name`, of shape (n, features) and `input_dtype`, and gives the outputs.
    Thresholds, scaling and vocabularies live inside the SavedModel, so they travel with its
    version.
    """

    model_name: str
    signature_name: str = "serving_default"
    input_name: str = "features"
    input_dtype: str = "float32"
    outputs: tuple[Output, ...] = (SCORE, DECISION)


@dataclass(frozen=True)
class UseCase:
    """A use case in one value.

    Attributes:
        name: lower-case word; topics are named `<name>.<stage>`. It ends in none of
            `RESERVED_ENDINGS`.
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
        """Refuses a name whose deployments could be those of another use case.

        Raises:
            UseCaseError: it ends in one of `RESERVED_ENDINGS`.
        """
        for ending in RESERVED_ENDINGS:
            if self.name.endswith(ending):
                raise UseCaseError(
                    f"no use case may be called {self.name!r}: {self.name.removesuffix(ending)!r} "
                    f"has a deployment that ends in {ending}, so the two would share consumer "
                    "group, transactional ids and checkpoints"
                )

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
