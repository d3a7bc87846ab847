"""Encodes feature blocks and model outputs as answers for the JVM's sink."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from udfs.functions.blocks import encode_columns, encode_lines
from udfs.functions.clean import dead_letter
from udfs.functions.feature_block import FeatureBlock
from udfs.functions.rows import LabelChanges
from udfs.functions.slices import Slices
from udfs.records import PREDICTIONS_STAGE, DeadLetter, FeatureRow, LabelChange, Reason
from udfs.use_cases.contract import UseCase

PREDICTIONS, DEAD_LETTERS, FEATURES, LABEL_CHANGES, DUPLICATES = range(5)
"""Places of the topics in the sink's list."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Model or rule outputs of a block and the provenance they share.

    Attributes:
        outputs: by the prediction's field; (n,) each, or (n, k) for lists.
        model_version: the version that answered, None when no model did.
        route: `stable`, or `fallback:rule`.
        fallback_reason: why no model answered.
        rows: the rows of the block that they belong to, int64 (n,); None for all of them.
    """

    outputs: Mapping[str, NDArray[Any]]
    model_version: int | None
    route: str
    fallback_reason: str | None = None
    rows: NDArray[np.int64] | None = None


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

    def encode(self, block: FeatureBlock, *scores: Scores) -> bytes:
        """The answer to a block: predictions, dead letters and, when asked, feature rows.

        Args:
            block: the block.
            scores: which between them answer each of its rows once.
        """
        sections = [block.answers, *(self._predictions(block, part) for part in scores)]
        sections.append(encode_dead_letters(block.clean.dead_letters))
        sections.append(encode_dead_letters(block.clean.dropped, DUPLICATES))
        if len(block.features) and self._emit_features:
            keys = block.clean.raw.keys.at(block.clean.places)
            sections.append(encode_lines(FEATURES, keys, self._features(block)))
        return b"".join(sections)

    def refuse(self, block: FeatureBlock, detail: str) -> bytes:
        """The answer to a block that can have no predictions: a dead letter for every record."""
        raw, why = block.clean.raw, Reason.NO_ANSWER
        letters = [
            dead_letter(raw, place, self._topic, PREDICTIONS_STAGE, reason=why, detail=detail)
            for place in block.clean.places.tolist()
        ]
        refused = encode_dead_letters([*block.clean.dead_letters, *letters])
        return block.answers + refused + encode_dead_letters(block.clean.dropped, DUPLICATES)

    def _predictions(self, block: FeatureBlock, scores: Scores) -> bytes:
        """What a prediction is made of: `udfs.records.Prediction`, and the outputs."""
        case, raw = self._use_case, block.clean.raw
        rows = slice(None) if scores.rows is None else scores.rows
        at = block.clean.places[rows]
        if not len(at):
            return b""
        partitions, offsets = raw.partitions[at], raw.offsets[at]
        fields: dict[str, Any] = {
            "prediction_id": [f'"{self._topic}/'.encode(), partitions, b"/", offsets, b'/answer"'],
            "business_id": block.column(case.business_id)[rows],
            "entity_key": block.column(case.entity_key)[rows],
            "event_time_ms": block.column(case.event_time)[rows],
            **{name: _output(values) for name, values in scores.outputs.items()},
            "model_name": case.model.model_name,
            "model_version": scores.model_version,
            "route": scores.route,
            "fallback_reason": scores.fallback_reason,
            "feature_spec_hash": case.spec.hash,
            "sequence": block.folded.sequence[rows],
            "late": block.folded.late[rows],
            "duplicate": False if block.clean.duplicate is None else block.clean.duplicate[rows],
            "source_partition": partitions,
            "source_offset": offsets,
            "received_time_ms": raw.timestamps_ms[at],
            "scored_time_ms": int(self._clock() * 1000),
        }
        return encode_columns(PREDICTIONS, raw.keys.at(at), self._object(fields))

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
            *(column.tolist() for column in block.second or ()),
        )
        return self._encoder.encode_lines(list(rows))


def encode_dead_letters(letters: Sequence[DeadLetter], topic: int = DEAD_LETTERS) -> bytes:
    """A section of dead letters or dropped duplicates, nothing when there are none."""
    if not letters:
        return b""
    lines = msgspec.json.Encoder().encode_lines(letters)
    return encode_lines(topic, Slices.of(letter.key for letter in letters), lines)


def encode_label_changes(
    changes: LabelChanges, sequence: NDArray[np.int64], spec_hash: str
) -> bytes:
    """A section of changes of labels (n,) as the folds of the second entity key took them."""
    if not len(changes):
        return b""
    columns = (
        changes.business_id,
        changes.second_key,
        changes.event_time_ms,
        sequence,
        changes.change,
        changes.known_ms,
    )
    rows = map(
        LabelChange,
        *(column.tolist() for column in columns),
        repeat(spec_hash),
        changes.partition.tolist(),
        changes.offset.tolist(),
    )
    keys = Slices.of(b"%d" % key for key in changes.business_id.tolist())
    lines = msgspec.json.Encoder().encode_lines(list(rows))
    return encode_lines(LABEL_CHANGES, keys, lines)


def _output(values: NDArray[Any]) -> NDArray[Any] | list[bytes | NDArray[Any]]:
    """A column, or the parts of a JSON list a row with one column an entry."""
    if values.ndim == 1:
        return values
    parts: list[bytes | NDArray[Any]] = [b"["]
    for place, column in enumerate(values.T):
        parts += [b","] * (place > 0) + [column]
    return [*parts, b"]"]
