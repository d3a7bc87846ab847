"""The predictions stage: the model's answer, or the rule's with the reason, never an error."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.stores import DictStore
from tests.unit.functions.building import Record, raw, record
from udfs.client.blocks import Part
from udfs.client.counts import LATENCY_BOUNDS_MS, CallCounts
from udfs.client.options import ClientOptions
from udfs.client.outcomes import Answer, Failure, FailureReason, Outcome
from udfs.features.shard import ShardFolds
from udfs.functions.answers import DUPLICATES, AnswerEncoder
from udfs.functions.clean import Clean, dead_letter
from udfs.functions.feature_block import FeatureBlock
from udfs.functions.predict_function import PredictFunction
from udfs.records import DeadLetter, FeatureRow, Reason, YesNoPrediction
from udfs.use_cases.fraud import FRAUD_BY_CUSTOMER as FRAUD


class FakeClient:
    """Answers every call with one outcome and keeps the inputs of the last one."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self.counts = CallCounts()
        self.inputs: Mapping[str, NDArray[Any]] = {}

    async def predict(
        self, model_name: str, inputs: Mapping[str, NDArray[Any]], **_: Any
    ) -> Outcome:
        """The outcome."""
        self.inputs = inputs
        return self._outcome


class FakeGroup:
    """Keeps the gauges that are registered, by group and name."""

    def __init__(self, gauges: dict[str, Callable[[], int]], prefix: str = "") -> None:
        self._gauges, self._prefix = gauges, prefix

    def add_group(self, name: str, value: str) -> "FakeGroup":
        """A group below."""
        return FakeGroup(self._gauges, f"{self._prefix}{name}={value} ")

    def gauge(self, name: str, value: Callable[[], int]) -> None:
        """Keeps a gauge."""
        self._gauges[self._prefix + name] = value


class FakeContext:
    """Flink's context, as far as it is asked for."""

    def __init__(self) -> None:
        self.gauges: dict[str, Callable[[], int]] = {}

    def get_metrics_group(self) -> FakeGroup:
        """The root of the metrics."""
        return FakeGroup(self.gauges)

    def shown(self, name: str) -> int:
        """What a gauge of fraud shows now."""
        return self.gauges[f"use_case=fraud {name}"]()


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
    found: dict[int, tuple[list[bytes | None], list[bytes]]] = {}
    at = 0
    while at < len(answer_bytes):
        topic, form, count, key_bytes, size = np.frombuffer(answer_bytes, "<i4", 5, at).tolist()
        lengths = np.frombuffer(answer_bytes, "<i4", count, at + 20).tolist()
        at += 20 + 4 * count
        keys: list[bytes | None] = []
        for length in lengths:
            keys.append(None if length < 0 else answer_bytes[at : at + length])
            at += max(length, 0)
        values = answer_bytes[at : at + size]
        earlier = found.get(topic, ([], []))
        lines = columns(values, count) if form else values.splitlines()
        found[topic] = earlier[0] + keys, earlier[1] + lines
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


def opened(
    outcome: Outcome, *, emit_features: bool = False, options: ClientOptions | None = None
) -> tuple[PredictFunction, FakeContext]:
    """The function of a worker whose model calls all have this outcome."""
    function = PredictFunction(
        "fraud", "fraud.raw", "nowhere:1", 500, emit_features, client=options
    )
    context = FakeContext()
    function.open(context)
    function._scoring._blocks._client = FakeClient(outcome)  # type: ignore[attr-defined]
    return function, context


def invoked(
    outcome: Outcome, *records: Record, emit_features: bool = False
) -> dict[int, tuple[list[bytes | None], list[bytes]]]:
    function, _ = opened(outcome, emit_features=emit_features)
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
        (Failure(FailureReason.CIRCUIT_OPEN, "not called"), "circuit_open"),
        (answer(score=np.zeros(2, np.float32)), "missing_output"),
        (answer(**scores(0.5)), "wrong_rows"),
        (answer(score=np.zeros((2, 1), np.float32), decision=np.zeros(2, bool)), "wrong_shape"),
        (answer(**scores(float("inf"), float("nan"))), "not_finite"),
        (answer(score=np.zeros(2), decision=np.zeros(2, np.bool_)), "wrong_dtype"),
    ],
    ids=["refused", "not called", "no decision", "rows", "shape", "not a number", "dtype"],
)
def test_the_rule_answers_when_the_model_does_not(outcome: Outcome, reason: str) -> None:
    found = predictions(outcome, record(1), record(2))
    assert [(p.route, p.fallback_reason, p.model_version) for p in found] == [
        ("fallback:rule", reason, None)
    ] * 2


def test_the_rule_answers_only_the_rows_whose_output_is_not_finite() -> None:
    found = predictions(answer(**scores(0.25, float("nan"), 0.75)), *map(record, (1, 2, 3)))
    assert sorted(
        (p.source_offset, p.business_id, p.model_version, p.fallback_reason) for p in found
    ) == [(100, 1, 7, None), (101, 2, None, "not_finite"), (102, 3, 7, None)]
    assert all(np.isfinite(p.output) for p in found)


@pytest.mark.parametrize(
    "rule",
    [
        lambda features: 1 / 0,
        lambda features: (np.zeros(1, np.float32), np.zeros(len(features), np.bool_)),
        lambda features: (np.zeros(len(features)), np.zeros(len(features), np.bool_)),
        lambda features: (
            np.full(len(features), np.nan, np.float32),
            np.zeros(len(features), np.bool_),
        ),
    ],
    ids=["raises", "rows", "dtype", "not a number"],
)
def test_records_become_dead_letters_when_the_rule_has_no_answer_either(
    rule: Callable[[Any], Any],
) -> None:
    function, context = opened(Failure(FailureReason.UNAVAILABLE, "refused", True))
    function._scoring._use_case = replace(FRAUD, rule=rule)
    records = [record(1), (b"5", b"{", 0), record(2)]
    (encoded,) = asyncio.run(function.async_invoke(block(*records)))
    found = sections(encoded)
    letters = [msgspec.json.decode(value, type=DeadLetter) for value in found[1][1]]
    assert list(found) == [1]
    assert sorted((x.source_offset, x.stage, x.reason.value, x.value) for x in letters) == [
        (100, "predictions", "no_answer", records[0][1]),
        (101, "clean", "not_json", records[1][1]),
        (102, "predictions", "no_answer", records[2][1]),
    ]
    assert context.shown("refused_rows") == 2


def test_dropped_duplicates_leave_a_block_that_nobody_answers() -> None:
    found = block(record(1))
    dropped = dead_letter(
        found.clean.raw, 0, "fraud.raw", "clean", reason=Reason.DUPLICATE, detail=""
    )
    found = replace(found, clean=replace(found.clean, dropped=[dropped]))
    encoded = AnswerEncoder(FRAUD, "fraud.raw", emit_features=False).refuse(found, "no rule")
    letters = [
        msgspec.json.decode(line, type=DeadLetter) for line in sections(encoded)[DUPLICATES][1]
    ]
    assert letters == [dropped]


def test_rows_of_the_rule_are_counted() -> None:
    function, context = opened(answer(**scores(0.5, float("nan"))))
    asyncio.run(function.async_invoke(block(record(1), record(2))))
    assert context.shown("rule_rows") == 1


def test_every_number_of_the_client_is_shown() -> None:
    _, context = opened(answer())
    names = {name.removeprefix("use_case=fraud ") for name in context.gauges}
    assert names == {
        "model_calls",
        "model_call_attempts",
        "model_call_retries",
        "model_calls_in_flight",
        "model_calls_in_flight_max",
        "model_call_latency_sum_us",
        "model_call_latency_max_us",
        "rule_rows",
        "refused_rows",
        "endpoint=nowhere:1 model_breaker_state",
        "endpoint=nowhere:1 model_endpoint_attempts",
        *(f"reason={reason.value} model_call_failures" for reason in FailureReason),
        *(f"le={bound} model_call_latency_bucket" for bound in (*LATENCY_BOUNDS_MS, "+Inf")),
    }


@pytest.mark.parametrize(
    ("rows", "fallbacks"), [(2, {None}), (3, {"wrong_rows"})], ids=["fitting", "other rows"]
)
def test_adaptive_calls_answer_every_row(rows: int, fallbacks: set[str | None]) -> None:
    function, context = opened(
        answer(**scores(*([0.5] * rows))), options=ClientOptions(latency_objective_ms=50)
    )
    (encoded,) = asyncio.run(function.async_invoke(block(record(1), record(2))))
    found = [msgspec.json.decode(x, type=YesNoPrediction) for x in sections(encoded)[0][1]]
    assert [(p.business_id, {p.fallback_reason}) for p in found] == [(1, fallbacks), (2, fallbacks)]
    assert context.shown("model_call_rows_limit") > 0


class Parts:
    """Answers a block in parts, as several calls do."""

    def __init__(self, *parts: Part) -> None:
        self._parts = list(parts)

    async def ask(self, inputs: Mapping[str, NDArray[Any]], *, deadline_s: float) -> list[Part]:
        """The parts."""
        return self._parts


def test_parts_of_a_block_say_each_who_answered() -> None:
    function, _ = opened(answer())
    function._scoring._blocks = Parts(
        Part(0, 1, answer(**scores(0.25))),
        Part(1, 2, Failure(FailureReason.OVERLOADED, "full")),
        Part(2, 4, answer(**scores(float("nan"), 0.75))),
    )
    (encoded,) = asyncio.run(function.async_invoke(block(*map(record, (1, 2, 3, 4)))))
    found = [msgspec.json.decode(x, type=YesNoPrediction) for x in sections(encoded)[0][1]]
    assert sorted((p.business_id, p.fallback_reason) for p in found) == [
        (1, None),
        (2, "overloaded"),
        (3, "not_finite"),
        (4, None),
    ]
    assert {p.business_id: p.output for p in found if p.model_version} == {1: 0.25, 4: 0.75}


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
