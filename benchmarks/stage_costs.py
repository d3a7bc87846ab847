"""What each step of our Python worker costs, measured on its own functions without Flink."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import islice
from statistics import median

import numpy as np

from benchmarks.generated_records import generated
from benchmarks.raw_records import START_MS, raw_value
from jobs.targets import TARGETS
from udfs.client.outcomes import Answer, Outcome
from udfs.client.predict import PredictionClient
from udfs.errors import UnavailableError
from udfs.features.shard import ShardFolds
from udfs.functions.answers import AnswerEncoder, Scores
from udfs.functions.blocks import RawBlock
from udfs.functions.clean import Clean
from udfs.functions.feature_block import FeatureBlock
from udfs.use_cases.contract import UseCase
from udfs.use_cases.find import find_use_case
from udfs.use_cases.fraud import FRAUD_BY_CUSTOMER as FRAUD

_BLOCKS, _GENERATED_BLOCKS = 60, 30
_WARM_UP_SHARE = 3
_CUSTOMERS = 2_500  # those of one of two workers
_MEAN_GAP_MS = 1_296


class _MemoryStore:
    """A shard's state in a dictionary: the fold's cost without Flink's."""

    def __init__(self) -> None:
        self._entries: dict[str, bytes] = {}

    def put(self, key: str, value: bytes, /) -> None:
        self._entries[key] = value

    def remove(self, key: str, /) -> None:
        self._entries.pop(key, None)

    def items(self) -> Iterable[tuple[str, bytes]]:
        return self._entries.items()


def raw_block(first: int, count: int, customers: Sequence[int]) -> bytes:
    """A block of transactions, from a number on."""
    numbers = range(first, first + count)
    times = [START_MS + number * _MEAN_GAP_MS for number in numbers]
    values = [
        raw_value(number, customer, number % 10_000, 1 + number * 7919 % 20_000, time_ms)
        for number, customer, time_ms in zip(numbers, customers, times, strict=True)
    ]
    keys = [b"%d" % customer for customer in customers]
    return _block(list(zip(times, keys, values, strict=True)), first)


def _block(records: Sequence[tuple[int, bytes, bytes]], first: int) -> bytes:
    """Times, keys and values in the layout of `millrace.flink.BlockBuilder`.

    Args:
        records: what is in the block.
        first: the offset of its first record.
    """
    times, keys, values = zip(*records, strict=True)
    count = len(times)
    lengths = [[len(item) for item in items] for items in (keys, values)]
    ints = np.array([[0] * count, *lengths], "<i4")
    longs = np.array([np.arange(first, first + count), times], "<i8")
    header = np.array([count, 0], "<i4")
    return b"".join([header.tobytes(), longs.tobytes(), ints.tobytes(), *keys, *values])


class _Worker:
    """The steps of a worker, one after another, each with its time."""

    def __init__(self, use_case: UseCase, serving_target: str) -> None:
        lateness_ms = use_case.allowed_lateness // timedelta(milliseconds=1)
        topic = f"{use_case.name}.raw"
        self._case = use_case
        self._clean = Clean(use_case, topic, 3_600_000)
        self._folds = ShardFolds(
            use_case.spec, use_case.column_types, use_case.event_time, lateness_ms, _MemoryStore()
        )
        self._client = PredictionClient(serving_target)
        self._encoder = AnswerEncoder(use_case, topic, False)

    async def block(self, data: bytes) -> dict[str, float]:
        """Seconds of each step for a block."""
        case, model, clock = self._case, self._case.model, time.perf_counter
        marks = [clock()]
        raw = RawBlock.decode(data)
        marks.append(clock())
        clean = self._clean(raw)
        marks.append(clock())
        folded = self._folds.update(clean.columns, raw.partitions[clean.places])
        marks.append(clock())
        features = case.assemble(clean.columns, folded.windows)
        marks.append(clock())
        inputs = {model.input_name: features.astype(model.input_dtype)}
        answer = _answer(await self._client.predict(model.model_name, inputs, deadline_s=5.0))
        marks.append(clock())
        outputs = {o.field: answer.outputs[o.tensor] for o in model.outputs}
        scores = Scores(outputs, answer.version, "stable")
        self._encoder.encode(FeatureBlock(clean, folded, features), scores)
        marks.append(clock())
        names = ("unpack", "decode", "fold", "assemble", "call", "encode")
        return dict(zip(names, np.diff(marks).tolist(), strict=True))

    async def close(self) -> None:
        """Closes the client."""
        await self._client.close()


def _answer(outcome: Outcome) -> Answer:
    if not isinstance(outcome, Answer):
        raise UnavailableError(f"the model server did not answer: {outcome.message}")
    return outcome


async def _measure(
    use_case: UseCase, serving_target: str, blocks: Iterable[bytes]
) -> dict[str, float]:
    worker = _Worker(use_case, serving_target)
    times = [await worker.block(data) for data in blocks]
    await worker.close()
    counted = times[len(times) // _WARM_UP_SHARE :]
    size = TARGETS["throughput"].block_records
    return {name: median(t[name] for t in counted) / size * 1e6 for name in counted[0]}


def stage_costs(serving_target: str) -> dict[str, float]:
    """Microseconds a record of each step, medians over blocks of the throughput target.

    `call` is the wait for the model server, which in the job overlaps with other blocks.
    """
    size, draw = TARGETS["throughput"].block_records, np.random.default_rng(1)
    blocks = (
        raw_block(number * size, size, draw.integers(0, _CUSTOMERS, size).tolist())
        for number in range(_BLOCKS)
    )
    return asyncio.run(_measure(FRAUD, serving_target, blocks))


def generated_stage_costs(serving_target: str, name: str) -> dict[str, float]:
    """The same of an installed use case, on what its own generator makes."""
    size = TARGETS["throughput"].block_records
    use_case = find_use_case(name)
    records = generated(use_case, size * _GENERATED_BLOCKS)
    blocks = (_block(list(islice(records, size)), size * n) for n in range(_GENERATED_BLOCKS))
    return asyncio.run(_measure(use_case, serving_target, blocks))
