"""The client over real connections to several servers that come, drain and go."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc

from tests.unit.client.fake_server import (
    FEATURES,
    SCORES,
    Method,
    answering,
    failing,
    response,
    serving,
)
from udfs.client.breaker import BreakerState
from udfs.client.outcomes import Answer, Failure, FailureReason, Outcome
from udfs.client.predict import PredictionClient

REPLY = response({"score": SCORES})
CALLS_AT_ONCE = 4


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def counting(calls: Counter[str], name: str, takes_s: float = 0.0) -> Method:
    """A method that counts the calls it gets."""

    async def method(message: bytes, context: Any) -> bytes:
        calls[name] += 1
        await asyncio.sleep(takes_s)
        return REPLY

    return method


async def called(client: PredictionClient, deadline_s: float = 5.0) -> Outcome:
    return await client.predict("fraud", {"features": FEATURES}, deadline_s=deadline_s)


@asynccontextmanager
async def load(client: PredictionClient) -> Any:
    """Calls without a pause while the block runs; yields their outcomes."""
    outcomes: list[Outcome] = []
    stopping = asyncio.Event()

    async def caller() -> None:
        while not stopping.is_set():
            outcomes.append(await called(client))
            # A call that is not made ends without a pause.
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(caller()) for _ in range(CALLS_AT_ONCE)]
    try:
        yield outcomes
    finally:
        stopping.set()
        await asyncio.gather(*tasks)
        await client.close()


async def until(condition: Callable[[], bool], deadline_s: float = 15.0) -> float:
    """Seconds until the condition held."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < deadline_s, "the condition did not come true in time"
        await asyncio.sleep(0.005)
    return time.monotonic() - start


async def more(outcomes: list[Outcome], number: int) -> None:
    wanted = len(outcomes) + number
    await until(lambda: len(outcomes) >= wanted)


def failures(outcomes: list[Outcome]) -> list[Failure]:
    return [outcome for outcome in outcomes if isinstance(outcome, Failure)]


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await scenario()

    asyncio.run(whole())


def test_two_replicas_share_the_load_and_one_that_drains_costs_no_call() -> None:
    async def scenario() -> None:
        calls: Counter[str] = Counter()
        ports = free_port(), free_port()
        client = PredictionClient(",".join(f"127.0.0.1:{port}" for port in ports))
        async with AsyncExitStack() as first, serving(counting(calls, "b", 0.001), port=ports[1]):
            await first.enter_async_context(
                serving(counting(calls, "a", 0.001), port=ports[0], grace_s=5.0)
            )
            await until_all_ready(client)
            async with load(client) as outcomes:
                await more(outcomes, 400)
                split = calls["a"] / calls.total()
                await first.aclose()
                at_drain = calls["a"]
                await more(outcomes, 400)
                assert calls["a"] == at_drain
                async with serving(counting(calls, "a", 0.001), port=ports[0]):
                    await until(lambda: calls["a"] > at_drain)
        assert failures(outcomes) == []
        assert 0.45 <= split <= 0.55
        assert client.counts.retries <= 0.2 * client.counts.calls

    run(scenario)


async def until_all_ready(client: PredictionClient) -> None:
    await until(lambda: all([endpoint.ready() for endpoint in client.endpoints]))


def test_outage_opens_the_breaker_soon_and_the_return_closes_it_soon() -> None:
    async def scenario() -> None:
        port = free_port()
        client = PredictionClient(f"127.0.0.1:{port}")
        breaker = client.endpoints[0].breaker
        calls: Counter[str] = Counter()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(serving(counting(calls, "a", 0.001), port=port))
            async with load(client) as outcomes:
                await more(outcomes, 50)
                await stack.aclose()
                opened_s = await until(lambda: breaker.state is BreakerState.OPEN)
                before = len(outcomes)
                await until(lambda: len(outcomes) > before + 1000)
                async with serving(counting(calls, "a", 0.001), port=port):
                    closed_s = await until(lambda: breaker.state is BreakerState.CLOSED)
                    await more(outcomes, 50)
        assert (opened_s <= 2.0, closed_s <= 5.0) == (True, True), (opened_s, closed_s)
        assert {failure.reason for failure in failures(outcomes)} <= {
            FailureReason.UNAVAILABLE,
            FailureReason.CIRCUIT_OPEN,
            FailureReason.CANCELLED,
        }
        assert client.counts.attempts <= 1.2 * client.counts.calls

    run(scenario)


def test_overloaded_server_gets_at_most_a_fifth_more_calls_and_stays_in_use() -> None:
    async def scenario() -> None:
        seen: Counter[str] = Counter()

        async def method(message: bytes, context: Any) -> bytes:
            seen["calls"] += 1
            # Every third call is taken.
            if seen["calls"] % 3:
                await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "queue full")
            return REPLY

        async with serving(method) as target:
            client = PredictionClient(target)
            async with load(client) as outcomes:
                await more(outcomes, 600)
        assert {failure.reason for failure in failures(outcomes)} == {FailureReason.OVERLOADED}
        assert seen["calls"] == client.counts.attempts <= 1.2 * client.counts.calls
        assert client.counts.retries >= 0.15 * client.counts.calls
        assert sum(isinstance(outcome, Answer) for outcome in outcomes) >= seen["calls"] // 3 - 1

    run(scenario)


def test_server_that_cancels_while_it_shuts_down_is_asked_again() -> None:
    async def scenario() -> None:
        ports = free_port(), free_port()
        client = PredictionClient(",".join(f"127.0.0.1:{port}" for port in ports))
        cancelling = failing(grpc.StatusCode.CANCELLED, "shutting down")
        async with serving(cancelling, port=ports[0]), serving(answering(REPLY), port=ports[1]):
            await until_all_ready(client)
            for _ in range(20):
                client._attempts._budget.call()
            outcomes = [await called(client) for _ in range(4)]
            await client.close()
        assert failures(outcomes) == []
        assert client.counts.retries >= 1

    run(scenario)
