"""The records that Millrace writes to Kafka, and the reasons it gives.

Every record is JSON. Event time is UTC milliseconds and named `event_time_ms`.
"""

from enum import Enum

import msgspec


class Reason(str, Enum):
    """Why a record became a dead letter."""

    NOT_JSON = "not_json"
    SCHEMA = "schema"
    EVENT_TIME_AHEAD = "event_time_ahead"
    EMPTY = "empty"
    KEY_MISMATCH = "key_mismatch"
    NO_ANSWER = "no_answer"
    LABEL_UNMATCHED = "label_unmatched"
    DUPLICATE = "duplicate"


CLEAN_STAGE, LABELS_STAGE, PREDICTIONS_STAGE = REFUSING_STAGES = (
    "clean",
    "labels",
    "predictions",
)
"""Stages of the job that write dead letters."""


class DeadLetter(msgspec.Struct, frozen=True):
    """A record that could not be used, whole, with the reason and the place it came from.

    `value` and `key` hold the original bytes (base64 in JSON); None stands for Kafka's null.
    """

    reason: Reason
    stage: str
    detail: str
    source_topic: str
    source_partition: int
    source_offset: int
    kafka_timestamp_ms: int
    key: bytes | None
    value: bytes | None


class FeatureRow(msgspec.Struct, frozen=True):
    """The features of one record, as the model saw them but in float64.

    `sequence` counts the records of the entity key in the order they were folded: from 1, and again
    from 1 when the key was silent for longer than its state is kept; a fold over sessions counts
    within each session. `second_sequence` counts the records and changes of labels of the second
    entity key together, likewise; both are None for a use case without one. The names of `features`
    belong to `feature_spec_hash`.
    """

    business_id: int | str
    entity_key: int | str
    event_time_ms: int
    sequence: int
    late: bool
    features: list[float]
    feature_spec_hash: str
    source_partition: int
    source_offset: int
    second_key: int | None = None
    second_sequence: int | None = None


class LabelChange(msgspec.Struct, frozen=True):
    """A label that changed what was known of a record, as the folds of the second key took it.

    `event_time_ms` is the record's, `known_time_ms` the label's. `change` is what the label is now
    less what it was. `second_sequence` goes on through the key's records and changes of labels, so
    their order can be replayed. Source partition and offset are those of the label.
    """

    business_id: int
    second_key: int
    event_time_ms: int
    second_sequence: int
    change: int
    known_time_ms: int
    feature_spec_hash: str
    source_partition: int
    source_offset: int


class Prediction(msgspec.Struct, frozen=True):
    """Where an answer came from; the outputs of the use case's model stand beside these fields.

    `prediction_id` is `<topic>/<partition>/<offset>/<purpose>`: the same after any replay.
    `route` is `stable` when the model answered and `fallback:rule` when the use case's rule did;
    then `model_version` is None and `fallback_reason` says why.
    `received_time_ms` is the Kafka timestamp of the source record, `scored_time_ms` the wall
    clock of the worker when the answer was there.
    """

    prediction_id: str
    business_id: int | str
    entity_key: int | str
    event_time_ms: int
    model_name: str
    model_version: int | None
    route: str
    fallback_reason: str | None
    feature_spec_hash: str
    sequence: int
    late: bool
    source_partition: int
    source_offset: int
    received_time_ms: int
    scored_time_ms: int
    duplicate: bool = False


class YesNoPrediction(Prediction, frozen=True, kw_only=True):
    """A prediction of a yes-or-no label: the score, and what was decided by it."""

    output: float
    decision: bool
