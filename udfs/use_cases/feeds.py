"""What a use case declares about records that follow a record: its labels, and its duplicates."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import msgspec


@dataclass(frozen=True)
class LabelFeed:
    """Labels that arrive after their records, in `<use case>.labels`, keyed by the business id.

    A label names its record by the business id; the record says which second entity key it goes
    to. The windows of `FeatureSpec.second` are folded by that key.

    Attributes:
        record_type: frozen msgspec Struct of a label: the business id under the same name as in
            the record, `label` (an integer or a boolean), and `event_time_ms`, when it became
            known.
        entity_key: the record field of the second entity key.
        horizon: how long after its record a label is taken; one that comes later, or whose record
            is unknown for so long, is a dead letter.
        silence: what it means when no label has come by then: `negative`, or `unknown`.
        again: which label of a record holds when there are several: the `first` or the `last`.
    """

    record_type: type[msgspec.Struct]
    entity_key: str
    horizon: timedelta
    silence: Literal["negative", "unknown"] = "negative"
    again: Literal["first", "last"] = "last"


@dataclass(frozen=True)
class Duplicates:
    """What becomes of a record whose business id was there before.

    Attributes:
        policy: `flag` scores and counts it again, flagged; `drop` writes it to
            `<use case>.duplicates` instead.
        horizon: how far behind the newest event time an id is remembered.
    """

    policy: Literal["flag", "drop"]
    horizon: timedelta
