"""One call: attempts at endpoints until an answer, a failure for good, or no time left."""

import asyncio
from collections.abc import Awaitable, Callable

import grpc

from udfs.client.backoff import Backoff
from udfs.client.budget import RetryBudget
from udfs.client.counts import CallCounts
from udfs.client.deadline import Deadline
from udfs.client.endpoints import Endpoints, Replica
from udfs.client.outcomes import Failure
from udfs.client.status_codes import failure

Sleep = Callable[[float], Awaitable[object]]


class Attempts:
    """Makes calls within their deadline, with retries where they help and the budget has them.

    Args:
        endpoints: where calls go.
        budget: over all calls.
        backoff: waits between the attempts of a call.
        counts: what is counted.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        budget: RetryBudget,
        backoff: Backoff,
        counts: CallCounts,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._endpoints = endpoints
        self._budget = budget
        self._backoff = backoff
        self._counts = counts
        self._sleep = sleep

    async def call(self, method: str, message: bytes, deadline: Deadline) -> bytes | Failure:
        """The reply, or the failure of the last attempt."""
        self._budget.call()
        tried: list[Replica] = []
        outcome: bytes | Failure | None = None
        while True:
            endpoint = self._endpoints.choose(tried)
            if isinstance(endpoint, Failure):
                # What an attempt failed with says more than that there is no other endpoint.
                return endpoint if outcome is None else outcome
            left_s = deadline.left_s()
            if left_s <= 0:
                return outcome or failure(
                    endpoint.target, grpc.StatusCode.DEADLINE_EXCEEDED, "no time left to call"
                )
            self._counts.attempts += 1
            outcome = await endpoint.call(method, message, left_s)
            if not isinstance(outcome, Failure) or not outcome.retryable:
                return outcome
            wait_s = self._backoff(len(tried))
            if deadline.left_s() <= wait_s or not self._budget.retry():
                return outcome
            self._counts.retries += 1
            tried.append(endpoint)
            await self._sleep(wait_s)
