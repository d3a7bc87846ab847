"""What each step of our Python worker costs, measured on its own functions without Flink."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from statistics import median

import numpy as np

from benchmarks.raw_records import raw_value
from jobs.targets import TARGETS
from udfs.client.outcomes import Answer, Outcome
from udfs.client.predict import PredictionClient
from udfs.errors import UnavailableError
from udfs.features.shard import ShardFolds
from udfs.functions.answers import AnswerEncoder, Scores
from udfs.functions.blocks import RawBlock
from udfs.functions.clean import Clean
from udfs.functions.feature_block import FeatureBlock
from udfs.use_cases.fraud import FRAUD_BY_CUSTOMER as FRAUD

_BLOCKS = 60
_WARM_UP = 20
_CUSTOMERS = 2_500  # those of one of two workers
_MEAN_GAP_MS = 1_296
_START_MS = 1_532_476_800_000
_TOPIC = "fraud.raw"


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
    """A block of transactions in the layout of `millrace.flink.BlockBuilder`."""
    numbers = np.arange(first, first + count)
    times = (_START_MS + numbers * _MEAN_GAP_MS).tolist()
    keys = [b"%d" % customer for customer in customers]
    values = [
        raw_value(number, customer, number % 10_000, 1 + number * 7919 % 20_000, time_ms)
        for number, customer, time_ms in zip(numbers.tolist(), customers, times, strict=True)
    ]
    lengths = [[len(item) for item in items] for items in (keys, values)]
    ints = np.array([[0] * count, *lengths], "<i4")
    longs = np.array([numbers, times], "<i8")
    header = np.array([count, 0], "<i4")
    return b"".join([header.tobytes(), longs.tobytes(), ints.tobytes(), *keys, *values])


class _Worker:
    """The steps of a worker, one after another, each with its time."""

    def __init__(self, serving_target: str) -> None:
        lateness_ms = FRAUD.allowed_lateness // timedelta(milliseconds=1)
        self._clean = Clean(FRAUD, _TOPIC, 3_600_000)
        self._folds = ShardFolds(
            FRAUD.spec, FRAUD.column_types, FRAUD.event_time, lateness_ms, _MemoryStore()
        )
        self._client = PredictionClient(serving_target)
        self._encoder = AnswerEncoder(FRAUD, _TOPIC, False)

    async def block(self, data: bytes) -> dict[str, float]:
        """Seconds of each step for a block."""
        clock = time.perf_counter
        marks = [clock()]
        raw = RawBlock.decode(data)
        marks.append(clock())
        clean = self._clean(raw)
        marks.append(clock())
        folded = self._folds.update(clean.columns, raw.partitions[clean.places])
        marks.append(clock())
        features = FRAUD.assemble(clean.columns, folded.windows)
        marks.append(clock())
        inputs = {"features": features.astype(np.float32)}
        answer = _answer(await self._client.predict("fraud", inputs, deadline_s=5.0))
        marks.append(clock())
        outputs = {o.field: answer.outputs[o.tensor] for o in FRAUD.model.outputs}
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


async def _measure(serving_target: str, size: int) -> dict[str, float]:
    generator = np.random.default_rng(1)
    worker, times = _Worker(serving_target), []
    for number in range(_BLOCKS):
        customers = generator.integers(0, _CUSTOMERS, size).tolist()
        times.append(await worker.block(raw_block(number * size, size, customers)))
    await worker.close()
    counted = times[_WARM_UP:]
    return {name: median(t[name] for t in counted) / size * 1e6 for name in counted[0]}


def stage_costs(serving_target: str) -> dict[str, float]:
    """Microseconds a record of each step, medians over blocks of the throughput target.

    `call` is the wait for the model server, which in the job overlaps with other blocks.
    """
    size = TARGETS["throughput"].block_records
    return asyncio.run(_measure(serving_target, size))
