"""An answer as the demo reads it, what it is worth, and how many there are of whom."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from udfs.use_cases.contract import Output, UseCase

_TYPES: dict[str, type] = {"float32": float, "int64": int, "bool": bool}


class Answer(msgspec.Struct, frozen=True):
    """The parts of a prediction that the demo looks at, beside the outputs of the use case's model.

    See `udfs.records.Prediction`.
    """

    business_id: int
    model_version: int | None
    route: str
    fallback_reason: str | None
    source_partition: int
    source_offset: int


def answer_type(use_case: UseCase) -> type[Any]:
    """`Answer` with a field for each output of the model.

    >>> from udfs.use_cases.fraud import FRAUD
    >>> answer_type(FRAUD).__struct_fields__[-2:]
    ('output', 'decision')
    """
    outputs = [(output.field, _type(output)) for output in use_case.model.outputs]
    return msgspec.defstruct("OwnAnswer", outputs, bases=(Answer,), frozen=True)


def _type(output: Output) -> Any:
    one = _TYPES[output.dtype]
    return one if output.width is None else list[one]  # type: ignore[valid-type]


class Judged(NamedTuple):
    """What an answer is worth.

    Attributes:
        notable: whether it is one to look at: an alert, a hit.
        positive: whether the truth is what such an answer says.
    """

    notable: bool
    positive: bool


@dataclass
class Answers:
    """What one route and model version answered.

    The generator knows the truth about live records: `positives` of them were such, `caught` were
    answered so, `false_alarms` were answered so though they are not. `alerts` are all notable ones.
    """

    predictions: int = 0
    alerts: int = 0
    live: int = 0
    positives: int = 0
    caught: int = 0
    false_alarms: int = 0

    def add(self, judged: Judged, *, live: bool) -> None:
        """Takes an answer; the truth about a record of the history is not known."""
        self.predictions += 1
        self.alerts += judged.notable
        if live:
            self.live += 1
            self.positives += judged.positive
            self.caught += judged.positive and judged.notable
            self.false_alarms += judged.notable and not judged.positive


Judge = Callable[[Any, Any], Judged]
"""(answer, truth or None) -> what it is worth."""
