"""The same work by hand: a confluent-kafka loop over batches, with state in a dictionary.

What people write without Flink: decode a batch, keep each customer's events in a dictionary, one
call to the model server a batch by the same client, encode predictions of the same schema. The
next batch waits for the answer to the one before, unless the variant overlaps them.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import repeat
from typing import Any, Protocol

import msgspec
import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from numpy.typing import NDArray

from benchmarks.assignment import DEADLINE_MS, Assignment
from benchmarks.contestants.dictionary_fold import DictionaryFold
from udfs.client.outcomes import Failure, Outcome
from udfs.client.predict import PredictionClient
from udfs.features.values import WindowValues
from udfs.records import Prediction
from udfs.use_cases.fraud import CUSTOMER, Transaction, assemble_customer
from udfs.use_cases.fraud import FRAUD_BY_CUSTOMER as FRAUD

_NO_TIME = -(2**62)
_LATENESS_MS = FRAUD.allowed_lateness // timedelta(milliseconds=1)


class Row(Prediction, frozen=True):
    """A prediction as the job writes it, built by position: that is the fastest way."""

    output: float = 0.0
    decision: bool = False


@dataclass(frozen=True)
class Batch:
    """A folded batch of n messages.

    Attributes:
        messages: as they came.
        columns: record fields, int64 (n,) each.
        sequence: sequence number of the customer, int64 (n,).
        late: behind the newest event by more than the lateness, bool (n,).
        features: float32 (n, 9).
    """

    messages: Sequence[Any]
    columns: dict[str, NDArray[np.int64]]
    sequence: NDArray[np.int64]
    late: NDArray[np.bool_]
    features: NDArray[np.float32]

    def events(self) -> NDArray[np.int64]:
        """What a changelog has to hold of the batch, int64 (n, 4)."""
        c = self.columns
        return np.column_stack(
            (c["customer_id"], c["event_time_ms"], c["amount_cents"], self.sequence)
        )


class Scorer:
    """State and work of one process, without a guarantee."""

    def __init__(self, topic: str, serving_target: str) -> None:
        self.fold = DictionaryFold(CUSTOMER, _LATENESS_MS)
        self._topic = topic
        self._client = PredictionClient(serving_target)
        self._decode = msgspec.json.Decoder(Transaction).decode
        self._encode = msgspec.json.Encoder().encode
        self._newest_ms: dict[int, int] = {}

    def features(self, messages: Sequence[Any]) -> Batch:
        """Decodes and folds a batch; a bad record ends the process, nothing guards it here."""
        decode = self._decode
        records = [decode(message.value()) for message in messages]
        columns = {
            name: np.array([getattr(record, name) for record in records], dtype=np.int64)
            for name in ("transaction_id", "customer_id", "amount_cents", "event_time_ms")
        }
        times = columns["event_time_ms"]
        newest = self._newest(times, np.array([m.partition() for m in messages]))
        rows = self.fold.update(
            columns["customer_id"].tolist(),
            times.tolist(),
            columns["amount_cents"].tolist(),
            newest.tolist(),
        )
        windows = WindowValues(rows[:, 1:4], rows[:, 4:])
        features = assemble_customer(columns, {"customer": windows}).astype(np.float32)
        return Batch(messages, columns, rows[:, 0], times < newest - _LATENESS_MS, features)

    def _newest(self, times: NDArray[np.int64], partitions: NDArray[np.int64]) -> Any:
        """Newest event time so far of each record's partition, int64 (n,)."""
        newest = np.empty_like(times)
        for partition in np.unique(partitions).tolist():
            here = partitions == partition
            running = np.maximum.accumulate(times[here])
            newest[here] = np.maximum(running, self._newest_ms.get(partition, _NO_TIME))
            self._newest_ms[partition] = int(newest[here][-1])
        return newest

    async def call(self, batch: Batch) -> Outcome:
        """One call to the model server for the whole batch."""
        return await self._client.predict(
            "fraud", {"features": batch.features}, deadline_s=DEADLINE_MS / 1000
        )

    def predictions(self, batch: Batch, outcome: Outcome) -> list[bytes]:
        """The encoded predictions of a batch, by the rule where the call failed."""
        version: int | None = None
        route, reason = "stable", None
        if isinstance(outcome, Failure):
            score, decision = FRAUD.rule(batch.features.astype(np.float64))
            route, reason = "fallback:rule", outcome.reason.value
        else:
            score, decision = outcome.outputs["score"], outcome.outputs["decision"]
            version = outcome.version
        partitions = [message.partition() for message in batch.messages]
        offsets = [message.offset() for message in batch.messages]
        rows = map(
            Row,
            [f"{self._topic}/{p}/{o}/answer" for p, o in zip(partitions, offsets, strict=True)],
            batch.columns["transaction_id"].tolist(),
            batch.columns["customer_id"].tolist(),
            batch.columns["event_time_ms"].tolist(),
            repeat("fraud"),
            repeat(version),
            repeat(route),
            repeat(reason),
            repeat(FRAUD.spec.hash),
            batch.sequence.tolist(),
            batch.late.tolist(),
            partitions,
            offsets,
            [message.timestamp()[1] for message in batch.messages],
            repeat(int(time.time() * 1000)),
            repeat(False),
            score.tolist(),
            decision.tolist(),
        )
        return [self._encode(row) for row in rows]


class Delivery(Protocol):
    """Where predictions go, and what is guaranteed about them."""

    def deliver(self, batch: Batch, values: Sequence[bytes]) -> None:
        """Takes the predictions of a batch."""

    def idle(self) -> None:
        """Is called after every turn of the loop, also when no records came."""

    def close(self) -> None:
        """Is called when all records are delivered."""


def consumer(assignment: Assignment, *, auto_commit: bool) -> tuple[Consumer, int | None]:
    """A consumer on this process's partitions, and the records up to their end when bounded.

    Partitions are given out by number: a group's rebalance at the start would only move state.
    """
    made = Consumer(
        {
            "bootstrap.servers": assignment.bootstrap_servers,
            "group.id": assignment.deployment,
            "enable.auto.commit": auto_commit,
            "isolation.level": "read_committed",
            "fetch.message.max.bytes": 4_194_304,
        }
    )
    topic = assignment.raw_topics[0]
    numbers = sorted(made.list_topics(topic, 10).topics[topic].partitions)
    mine = [n for n in numbers if n % assignment.processes == assignment.process]
    made.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in mine])
    if not assignment.bounded:
        return made, None
    marks = [made.get_watermark_offsets(TopicPartition(topic, n)) for n in mine]
    return made, sum(high - low for low, high in marks)


async def consume(
    assignment: Assignment,
    source: Consumer,
    remaining: int | None,
    delivery: Delivery,
    scorer: Scorer,
    *,
    overlap: bool = False,
) -> None:
    """Scores batches until the end.

    Args:
        assignment: what to do.
        source: consumer on this process's partitions.
        remaining: records until the end; None: there is none.
        delivery: where predictions go.
        scorer: state and work.
        overlap: fetch and fold the next batch while the model server works on a full one.
    """
    size, linger_s = assignment.settings.block_records, assignment.settings.linger_ms / 1000
    in_flight: tuple[Batch, asyncio.Task[Outcome]] | None = None
    while remaining is None or remaining > 0 or in_flight:
        messages = [] if remaining == 0 else source.consume(size, linger_s)
        batch = scorer.features(messages) if messages else None
        if in_flight:
            before, task = in_flight
            delivery.deliver(before, scorer.predictions(before, await task))
            in_flight = None
        if batch:
            remaining = None if remaining is None else remaining - len(messages)
            in_flight = (batch, asyncio.create_task(scorer.call(batch)))
            await asyncio.sleep(0)
        if in_flight and not (overlap and len(messages) == size):
            batch, task = in_flight
            delivery.deliver(batch, scorer.predictions(batch, await task))
            in_flight = None
        delivery.idle()
    delivery.close()
