"""Chooses among the replicas of a model server."""

from collections.abc import Collection, Sequence
from typing import Protocol

from udfs.client.breaker import CircuitBreaker
from udfs.client.outcomes import Failure, FailureReason


class Replica(Protocol):
    """What is chosen among: `udfs.client.endpoint.Endpoint`."""

    @property
    def target(self) -> str:
        """The address."""

    @property
    def breaker(self) -> CircuitBreaker:
        """Whether it may be called."""

    def ready(self) -> bool:
        """Whether a connection stands."""

    async def call(self, method: str, message: bytes, timeout_s: float) -> bytes | Failure:
        """One attempt of a call."""


class Endpoints:
    """Replicas in turn, those that drain, died or failed too often left out.

    A replica without a connection gets no call as long as another one has one; it is looked for
    meanwhile, and takes its turn again when it answers. So a replica that drains costs no call.

    Args:
        replicas: at least one.
    """

    def __init__(self, replicas: Sequence[Replica]) -> None:
        self.replicas = tuple(replicas)
        self._turn = 0

    def choose(self, tried: Collection[Replica] = ()) -> Replica | Failure:
        """The replica for the next attempt of a call; a failure when none may be called.

        Args:
            tried: those that earlier attempts went to; another one is better.
        """
        if len(self.replicas) == 1:
            only = self.replicas[0]
            return only if only.breaker.admits() else self._none()
        # All are asked, also those that are not needed now: asking is what makes them connect.
        connected = {place for place, each in enumerate(self.replicas) if each.ready()}
        admitted = [p for p, each in enumerate(self.replicas) if each.breaker.admits()]
        good = [self.replicas[p] for p in admitted if p in connected]
        good = good or [self.replicas[p] for p in admitted]
        if not good:
            return self._none()
        fresh = [each for each in good if each not in tried] or good
        self._turn += 1
        return fresh[self._turn % len(fresh)]

    def _none(self) -> Failure:
        targets = ", ".join(each.target for each in self.replicas)
        return Failure(
            FailureReason.CIRCUIT_OPEN, f"{targets}: not called, because calls failed just before"
        )
