"""What a use case is: one value that says everything the jobs and the training need."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from udfs.features.spec import FeatureSpec
from udfs.features.values import Columns, Features, WindowValues

__all__ = ["Columns", "Features", "ModelSignature", "UseCase", "WindowValues"]


@dataclass(frozen=True)
class ModelSignature:
    """The model's name and the tensors it takes and gives.

    The model takes `input_name`, float32 of shape (n, features), and gives `score_output`,
    float32 of shape (n,), and `decision_output`, bool of shape (n,). Threshold and scaling live
    inside the SavedModel, so they travel with its version.
    """

    model_name: str
    signature_name: str = "serving_default"
    input_name: str = "features"
    score_output: str = "score"
    decision_output: str = "decision"


@dataclass(frozen=True)
class UseCase:
    """A use case in one value.

    Attributes:
        name: lower-case word; topics are named `<name>.<stage>`.
        record_type: frozen msgspec Struct of a raw record; decoding validates.
        business_id: field that names the record in the business.
        entity_key: field of the first entity key; raw topics are keyed by its decimal text.
        event_time: field of the event time, UTC milliseconds.
        columns: integer fields that `assemble` reads, beside the folds' keys and values.
        spec: feature names, folds and their hash.
        assemble: (columns, window values by fold name) -> Features; pure and vectorised.
        model: the model's name and tensors.
        rule: Features -> (scores float32 (n,), decisions bool (n,)); answers when no model does.
        label_delay: how long after the event its label is known.
        allowed_lateness: behind the newest event time of its source partition by more than
            this, a record counts as late (it is scored all the same).
        generate: (seed, start_ms, count, span_ms) -> (record, label) pairs in event-time
            order; the built-in source.
        live: (seed, start_ms, records a second) -> the same pairs without end, event times
            going on from start_ms; nothing waits, the sender holds each back until it is due.
        fit: `module:function` that trains the model, a `training.models.fitted.Fit`; loaded
            only to train.
    """

    name: str
    record_type: type[msgspec.Struct]
    business_id: str
    entity_key: str
    event_time: str
    columns: tuple[str, ...]
    spec: FeatureSpec
    assemble: Callable[[Columns, Mapping[str, WindowValues]], Features]
    model: ModelSignature
    rule: Callable[[Features], tuple[NDArray[np.float32], NDArray[np.bool_]]]
    label_delay: timedelta
    allowed_lateness: timedelta
    generate: Callable[[int, int, int, int], Iterator[tuple[Any, bool]]]
    live: Callable[[int, int, float], Iterator[tuple[Any, bool]]]
    fit: str = "training.models.binary:fit"
