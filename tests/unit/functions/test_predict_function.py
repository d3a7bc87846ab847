"""The predictions stage: the model's answer, or the rule's with the reason, never an error."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.stores import DictStore
from tests.unit.functions.building import Record, raw, record
from udfs.client.outcomes import Answer, Failure, FailureReason, Outcome
from udfs.features.shard import ShardFolds
from udfs.functions.clean import Clean
from udfs.functions.feature_block import FeatureBlock
from udfs.functions.predict_function import PredictFunction
from udfs.records import DeadLetter, FeatureRow, YesNoPrediction
from udfs.use_cases.fraud import FRAUD


class FakeClient:
    """Answers every call with one outcome and keeps the inputs of the last one."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self.inputs: Mapping[str, NDArray[Any]] = {}

    async def predict(
        self, model_name: str, inputs: Mapping[str, NDArray[Any]], **_: Any
    ) -> Outcome:
        """The outcome."""
        self.inputs = inputs
        return self._outcome


def answer(**outputs: Any) -> Answer:
    return Answer(outputs, "fraud", 7, "serving_default")


def scores(*values: float) -> dict[str, NDArray[Any]]:
    output = np.array(values, dtype=np.float32)
    return {"score": output, "decision": output > 0.5}


def block(*records: Record) -> FeatureBlock:
    clean = Clean(FRAUD, "fraud.raw", 1000)(raw(records))
    folds = ShardFolds(FRAUD.spec, FRAUD.column_types, FRAUD.event_time, 1000, DictStore())
    folded = folds.update(clean.columns, clean.raw.partitions[clean.places])
    return FeatureBlock(clean, folded, FRAUD.assemble(clean.columns, folded.windows))


def sections(answer_bytes: bytes) -> dict[int, tuple[list[bytes | None], list[bytes]]]:
    """Keys and values by topic, read back as the JVM does."""
    found, at = {}, 0
    while at < len(answer_bytes):
        topic, form, count, key_bytes, size = np.frombuffer(answer_bytes, "<i4", 5, at).tolist()
        lengths = np.frombuffer(answer_bytes, "<i4", count, at + 20).tolist()
        at += 20 + 4 * count
        keys: list[bytes | None] = []
        for length in lengths:
            keys.append(None if length < 0 else answer_bytes[at : at + length])
            at += max(length, 0)
        values = answer_bytes[at : at + size]
        found[topic] = keys, columns(values, count) if form else values.splitlines()
        at += size
        assert sum(max(length, 0) for length in lengths) == key_bytes
    return found


def columns(values: bytes, count: int) -> list[bytes]:
    """Values that came as columns, written out."""
    number = int(np.frombuffer(values, "<i4", 1)[0])
    types = np.frombuffer(values, "<i4", number, 4).tolist()
    lengths = np.frombuffer(values, "<i4", number + 1, 4 + 4 * number).tolist()
    at = 8 + 8 * number
    lines = [b""] * count
    texts = []
    for length in lengths:
        texts.append(values[at : at + length])
        at += length
    for kind, text in zip(types, texts[:-1], strict=True):
        column = np.frombuffer(values, ("<i8", "<f4", "?")[kind], count, at)
        at += column.nbytes
        entries = [msgspec.json.encode(entry) for entry in column.tolist()]
        lines = [line + text + entry for line, entry in zip(lines, entries, strict=True)]
    assert at == len(values)
    return [line + texts[-1] for line in lines]


def invoked(
    outcome: Outcome, *records: Record, emit_features: bool = False
) -> dict[int, tuple[list[bytes | None], list[bytes]]]:
    function = PredictFunction("fraud", "fraud.raw", "nowhere:1", 500, emit_features)
    function.open(None)
    function._client = FakeClient(outcome)  # type: ignore[assignment]
    (encoded,) = asyncio.run(function.async_invoke(block(*records)))
    return sections(encoded)


def predictions(outcome: Outcome, *records: Record) -> list[YesNoPrediction]:
    _, values = invoked(outcome, *records)[0]
    return [msgspec.json.decode(value, type=YesNoPrediction) for value in values]


def test_the_model_answers_every_row_with_its_version() -> None:
    found = predictions(answer(**scores(0.25, 0.75)), record(1), record(2))
    assert [(p.business_id, p.output, p.decision, p.model_version, p.route) for p in found] == [
        (1, 0.25, False, 7, "stable"),
        (2, 0.75, True, 7, "stable"),
    ]


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Failure(FailureReason.UNAVAILABLE, "refused", True), "unavailable"),
        (Failure(FailureReason.DEADLINE, "too slow", True), "deadline"),
        (answer(score=np.zeros(2, np.float32)), "bad_reply"),
        (answer(**scores(0.5)), "bad_reply"),
        (answer(**scores(0.5, float("nan"))), "bad_reply"),
        (answer(score=np.zeros(2), decision=np.zeros(2, np.bool_)), "bad_reply"),
    ],
    ids=["refused", "deadline", "no decision", "rows", "not a number", "dtype"],
)
def test_the_rule_answers_when_the_model_does_not(outcome: Outcome, reason: str) -> None:
    found = predictions(outcome, record(1), record(2))
    assert [(p.route, p.fallback_reason, p.model_version) for p in found] == [
        ("fallback:rule", reason, None)
    ] * 2


def test_a_block_without_a_usable_record_is_answered_without_a_call() -> None:
    found = invoked(answer(), (b"5", b"{", 0))
    assert [list(found), found[1][0]] == [[1], [b"5"]]
    assert msgspec.json.decode(found[1][1][0], type=DeadLetter).value == b"{"


def test_feature_rows_are_what_the_model_saw() -> None:
    found = invoked(answer(**scores(0.5)), record(1), emit_features=True)
    row = msgspec.json.decode(found[2][1][0], type=FeatureRow)
    assert row.features == block(record(1)).features[0].tolist()


def test_predictions_are_keyed_as_their_source_records() -> None:
    keys, _ = invoked(answer(**scores(0.5, 0.5)), record(1, customer_id=5), record(2))[0]
    assert keys == [b"5", b"5"]
