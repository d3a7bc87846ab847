"""Encodes feature blocks and model outputs as answers for the JVM's sink."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from udfs.functions.blocks import encode_columns, encode_lines
from udfs.functions.feature_block import FeatureBlock
from udfs.records import FeatureRow
from udfs.use_cases.contract import UseCase

PREDICTIONS, DEAD_LETTERS, FEATURES = range(3)
"""Places of the topics in the sink's list."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Model or rule outputs of a block and the provenance they share.

    Attributes:
        outputs: by the prediction's field; (n,) each, or (n, k) for lists.
        model_version: the version that answered, None when no model did.
        route: `stable`, or `fallback:rule`.
        fallback_reason: why no model answered.
    """

    outputs: Mapping[str, NDArray[Any]]
    model_version: int | None
    route: str
    fallback_reason: str | None = None


class Clock(Protocol):
    """Gives the wall clock in seconds, as `time.time` does."""

    def __call__(self) -> float:
        """Seconds since the epoch."""


class AnswerEncoder:
    """Makes the bytes that `millrace.flink.UnpackFunction` takes apart."""

    def __init__(
        self, use_case: UseCase, topic: str, emit_features: bool, clock: Clock = time.time
    ) -> None:
        self._use_case = use_case
        self._topic = topic
        self._emit_features = emit_features
        self._clock = clock
        self._encoder = msgspec.json.Encoder()

    def encode(self, block: FeatureBlock, scores: Scores) -> bytes:
        """The answer to a block: predictions, dead letters and, when asked, feature rows."""
        letters = block.clean.dead_letters
        keys = [block.clean.raw.keys[place] for place in block.clean.places.tolist()]
        sections = []
        if keys:
            sections.append(encode_columns(PREDICTIONS, keys, self._predictions(block, scores)))
        if letters:
            lines = self._encoder.encode_lines(letters)
            sections.append(encode_lines(DEAD_LETTERS, [x.key for x in letters], lines))
        if keys and self._emit_features:
            sections.append(encode_lines(FEATURES, keys, self._features(block)))
        return b"".join(sections)

    def _predictions(self, block: FeatureBlock, scores: Scores) -> list[bytes | NDArray[Any]]:
        """What a prediction is made of: `udfs.records.Prediction`, and the outputs."""
        case, raw, at = self._use_case, block.clean.raw, block.clean.places
        partitions, offsets = raw.partitions[at], raw.offsets[at]
        fields: dict[str, Any] = {
            "prediction_id": [f'"{self._topic}/'.encode(), partitions, b"/", offsets, b'/answer"'],
            "business_id": block.column(case.business_id),
            "entity_key": block.column(case.entity_key),
            "event_time_ms": block.column(case.event_time),
            **{name: _output(values) for name, values in scores.outputs.items()},
            "model_name": case.model.model_name,
            "model_version": scores.model_version,
            "route": scores.route,
            "fallback_reason": scores.fallback_reason,
            "feature_spec_hash": case.spec.hash,
            "sequence": block.folded.sequence,
            "late": block.folded.late,
            "source_partition": partitions,
            "source_offset": offsets,
            "received_time_ms": raw.timestamps_ms[at],
            "scored_time_ms": int(self._clock() * 1000),
        }
        return self._object(fields)

    def _object(self, fields: Mapping[str, Any]) -> list[bytes | NDArray[Any]]:
        """The parts of a JSON object whose fields are columns, lists of parts, or constants."""
        parts: list[bytes | NDArray[Any]] = []
        for name, value in fields.items():
            parts.append(b'%s"%s":' % (b"," if parts else b"{", name.encode()))
            if isinstance(value, np.ndarray):
                parts.append(value)
            elif isinstance(value, list):
                parts.extend(value)
            else:
                parts.append(self._encoder.encode(value))
        return [*parts, b"}"]

    def _features(self, block: FeatureBlock) -> bytes:
        case = self._use_case
        partitions, offsets, _ = block.source()
        rows = map(
            FeatureRow,
            block.column(case.business_id).tolist(),
            block.column(case.entity_key).tolist(),
            block.column(case.event_time).tolist(),
            block.folded.sequence.tolist(),
            block.folded.late.tolist(),
            block.features.tolist(),
            repeat(case.spec.hash),
            partitions,
            offsets,
        )
        return self._encoder.encode_lines(list(rows))


def _output(values: NDArray[Any]) -> NDArray[Any] | list[bytes | NDArray[Any]]:
    """A column, or the parts of a JSON list a row with one column an entry."""
    if values.ndim == 1:
        return values
    parts: list[bytes | NDArray[Any]] = [b"["]
    for place, column in enumerate(values.T):
        parts += [b","] * (place > 0) + [column]
    return [*parts, b"]"]
