"""Calls a model server and turns whatever happens into an outcome."""

import asyncio
import random
import time
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from udfs.client import wire
from udfs.client.attempts import Attempts, Sleep
from udfs.client.backoff import Backoff, Draw
from udfs.client.budget import RetryBudget
from udfs.client.counts import CallCounts
from udfs.client.deadline import Clock, Deadline
from udfs.client.endpoint import Endpoint
from udfs.client.endpoints import Endpoints
from udfs.client.messages import answer, predict_request, status_request, statuses
from udfs.client.metadata import SignatureSpec, metadata_request, signatures
from udfs.client.options import ClientOptions
from udfs.client.outcomes import Failure, Outcome, VersionStatus


class PredictionClient:
    """Asks a model server, or its replicas in turn, for predictions.

    A call has one deadline over all of its attempts. Retries come from a budget over all calls,
    and an endpoint that fails too often is not called for a while. Channels open at the first
    call, on the loop that runs then, so a client can be made and pickled anywhere. Calls never
    raise, except for CancelledError when the caller is cancelled.

    Args:
        targets: address of the server, `host:port`; of several replicas separated by commas.
        options: limits, retries, encryption.
        clock: seconds that only grow.
        draw: evenly spread numbers from 0 to 1.
        sleep: waits so many seconds.

    Attributes:
        counts: what happened to the calls.
        endpoints: the replicas.
    """

    def __init__(
        self,
        targets: str,
        options: ClientOptions | None = None,
        *,
        clock: Clock = time.monotonic,
        draw: Draw = random.random,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._options = options = options or ClientOptions()
        self._clock = clock
        self.counts = CallCounts()
        self.endpoints = tuple(
            Endpoint(target.strip(), options, clock=clock) for target in targets.split(",")
        )
        self._attempts = Attempts(
            Endpoints(self.endpoints),
            RetryBudget(options.retry_percent),
            Backoff(draw=draw),
            self.counts,
            sleep,
        )

    async def predict(
        self,
        model_name: str,
        inputs: Mapping[str, NDArray[Any]],
        *,
        deadline_s: float,
        signature_name: str = "serving_default",
        version: int | None = None,
        version_label: str | None = None,
    ) -> Outcome:
        """The answer of a model to arrays by input name, or the failure.

        Args:
            model_name: the model, as the server names it.
            inputs: arrays by input name; the first axis counts rows.
            deadline_s: seconds for the whole call.
            signature_name: the signature to run.
            version: a certain version; otherwise the server chooses.
            version_label: the version that carries a label; not together with `version`.
        """
        start_s = self._clock()
        message = predict_request(model_name, inputs, signature_name, version, version_label)
        reply = await self._call(wire.PREDICT, message, start_s, deadline_s)
        if isinstance(reply, Failure):
            return reply
        outcome = answer(reply, model_name, version, self._options.max_reply_bytes)
        if isinstance(outcome, Failure):
            self.counts.failed(outcome.reason)
        return outcome

    async def model_status(
        self, model_name: str, *, deadline_s: float, version: int | None = None
    ) -> list[VersionStatus] | Failure:
        """The states of a model's versions, newest first, or of one of them."""
        message = status_request(model_name, version)
        reply = await self._call(wire.GET_MODEL_STATUS, message, self._clock(), deadline_s)
        return reply if isinstance(reply, Failure) else statuses(reply, model_name)

    async def model_signatures(
        self, model_name: str, *, deadline_s: float, version: int | None = None
    ) -> dict[str, SignatureSpec] | Failure:
        """What a model takes and gives, by the name of the signature."""
        message = metadata_request(model_name, version)
        reply = await self._call(wire.GET_MODEL_METADATA, message, self._clock(), deadline_s)
        return reply if isinstance(reply, Failure) else signatures(reply, model_name)

    async def close(self) -> None:
        """Ends the calls in flight (as failures) and closes the channels for good."""
        for endpoint in self.endpoints:
            await endpoint.close()

    async def _call(
        self, method: str, message: bytes | Failure, start_s: float, deadline_s: float
    ) -> bytes | Failure:
        outcome = message
        if not isinstance(message, Failure):
            self.counts.began()
            try:
                deadline = Deadline(start_s + deadline_s, self._clock)
                outcome = await self._attempts.call(method, message, deadline)
            finally:
                self.counts.ended(self._clock() - start_s)
        if isinstance(outcome, Failure):
            self.counts.failed(outcome.reason)
        return outcome
