"""Blocks are cut into calls and joined, and every row gets its own answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from udfs.client.batching import AdaptiveBatching
from udfs.client.blocks import Part
from udfs.client.limits import Limits, Search
from udfs.client.outcomes import Answer, Failure, FailureReason, Outcome

Reply = Callable[[NDArray[Any], float], Awaitable[Outcome]]


class FakeClient:
    """Answers each call as a test wants and keeps how many rows it had."""

    def __init__(self, reply: Reply) -> None:
        self.calls: list[int] = []
        self.at_once = self.most_at_once = 0
        self._reply = reply

    async def predict(
        self, model_name: str, inputs: Mapping[str, NDArray[Any]], *, deadline_s: float, **_: Any
    ) -> Outcome:
        """The outcome."""
        self.calls.append(len(inputs["x"]))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._reply(inputs["x"], deadline_s)
        finally:
            self.at_once -= 1


async def doubled(x: NDArray[Any], deadline_s: float) -> Outcome:
    await asyncio.sleep(0)
    return Answer({"y": 2 * x}, "m", 1, "s")


def asked(
    reply: Reply, sizes: list[int], limits: Limits
) -> tuple[list[tuple[NDArray[Any], list[Part]]], FakeClient]:
    """Blocks of these sizes, asked at once, with their parts."""

    async def ask() -> list[tuple[NDArray[Any], list[Part]]]:
        search = Search(1.0, first=limits, least=limits, most=limits)
        batching = AdaptiveBatching(client, "m", "s", search)  # type: ignore[arg-type]
        ends = np.cumsum([0, *sizes])
        blocks = [np.arange(a, b, dtype=np.float32) for a, b in pairwise(ends.tolist())]
        parts = await asyncio.gather(
            *(batching.ask({"x": block}, deadline_s=5.0) for block in blocks)
        )
        return list(zip(blocks, parts, strict=True))

    client = FakeClient(reply)
    return asyncio.run(asyncio.wait_for(ask(), 10.0)), client


@pytest.mark.parametrize(
    ("sizes", "rows", "calls"),
    [
        pytest.param([10], 100, [10], id="one block"),
        pytest.param([10, 20, 30], 100, [60], id="joined"),
        pytest.param([250], 100, [100, 100, 50], id="cut"),
        pytest.param([50, 100, 50], 100, [100, 100], id="cut and joined"),
    ],
)
def test_every_row_gets_its_answer(sizes: list[int], rows: int, calls: list[int]) -> None:
    found, client = asked(doubled, sizes, Limits(rows, 2))
    assert client.calls == calls
    for block, parts in found:
        assert [p.begin for p in parts] == [0, *(p.end for p in parts)][:-1]
        outputs = [p.outcome.outputs["y"] for p in parts if isinstance(p.outcome, Answer)]
        assert np.concatenate(outputs).tolist() == (2 * block).tolist()


def test_calls_in_flight_stay_within_their_limit() -> None:
    _, client = asked(doubled, [1000], Limits(10, 3))
    assert (client.most_at_once, len(client.calls)) == (3, 100)


def test_failed_call_fails_its_rows_only() -> None:
    async def reply(x: NDArray[Any], deadline_s: float) -> Outcome:
        if 150 in x:
            return Failure(FailureReason.UNAVAILABLE, "gone")
        return await doubled(x, deadline_s)

    [(_, parts)], _ = asked(reply, [300], Limits(100, 1))
    assert [isinstance(part.outcome, Answer) for part in parts] == [True, False, True]


@pytest.mark.parametrize("output", [np.zeros(3), np.array(1.0)], ids=["rows", "scalar"])
def test_answer_that_has_no_rows_to_hand_out_is_none(output: NDArray[Any]) -> None:
    async def reply(x: NDArray[Any], deadline_s: float) -> Outcome:
        return Answer({"y": output}, "m", 1, "s")

    [(_, [part])], _ = asked(reply, [10], Limits(100, 1))
    assert isinstance(part.outcome, Failure)
    assert part.outcome.reason is FailureReason.WRONG_ROWS


def test_client_that_raises_is_a_failure() -> None:
    async def reply(x: NDArray[Any], deadline_s: float) -> Outcome:
        raise RuntimeError("a bug")

    [(_, [part])], _ = asked(reply, [10], Limits(100, 1))
    assert part.outcome == Failure(FailureReason.INTERNAL, "RuntimeError('a bug')")


def test_waiting_counts_for_the_deadline() -> None:
    left: list[float] = []

    async def reply(x: NDArray[Any], deadline_s: float) -> Outcome:
        left.append(deadline_s)
        await asyncio.sleep(0.02)
        return Answer({"y": x}, "m", 1, "s")

    asked(reply, [300], Limits(100, 1))
    assert [left[0] - each >= 0.02 * place for place, each in enumerate(left)] == [True] * 3
