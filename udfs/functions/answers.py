"""Encodes feature blocks and model outputs as answers for the JVM's sink."""

import time
from dataclasses import dataclass
from itertools import repeat
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from udfs.functions.blocks import encode_section
from udfs.functions.feature_block import FeatureBlock
from udfs.records import FeatureRow, Prediction
from udfs.use_cases.contract import UseCase

PREDICTIONS, DEAD_LETTERS, FEATURES = range(3)
"""Places of the topics in the sink's list."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Model or rule outputs of a block and the provenance they share.

    Attributes:
        output: float32 (n,).
        decision: bool (n,).
        model_version: the version that answered, None when no model did.
        route: `stable`, or `fallback:rule`.
        fallback_reason: why no model answered.
    """

    output: NDArray[np.float32]
    decision: NDArray[np.bool_]
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
            sections.append(encode_section(PREDICTIONS, keys, self._predictions(block, scores)))
        if letters:
            lines = self._encoder.encode_lines(letters)
            sections.append(encode_section(DEAD_LETTERS, [x.key for x in letters], lines))
        if keys and self._emit_features:
            sections.append(encode_section(FEATURES, keys, self._features(block)))
        return b"".join(sections)

    def _predictions(self, block: FeatureBlock, scores: Scores) -> bytes:
        case = self._use_case
        partitions, offsets, timestamps = block.source()
        rows = map(
            Prediction,
            [f"{self._topic}/{p}/{o}/answer" for p, o in zip(partitions, offsets, strict=True)],
            block.column(case.business_id).tolist(),
            block.column(case.entity_key).tolist(),
            block.column(case.event_time).tolist(),
            scores.output.tolist(),
            scores.decision.tolist(),
            repeat(case.model.model_name),
            repeat(scores.model_version),
            repeat(scores.route),
            repeat(scores.fallback_reason),
            repeat(case.spec.hash),
            block.folded.sequence.tolist(),
            block.folded.late.tolist(),
            partitions,
            offsets,
            timestamps,
            repeat(int(self._clock() * 1000)),
        )
        return self._encoder.encode_lines(list(rows))

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
