"""Asks one model for blocks of rows, a call each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from udfs.client.outcomes import Outcome
from udfs.client.predict import PredictionClient


@dataclass(frozen=True, slots=True)
class Part:
    """What became of rows `begin` to `end` of a block."""

    begin: int
    end: int
    outcome: Outcome


class Blocks(Protocol):
    """Asks a model for blocks of rows: `WholeBlocks` or `AdaptiveBatching`."""

    async def ask(self, inputs: Mapping[str, NDArray[Any]], *, deadline_s: float) -> list[Part]:
        """What became of all rows, in order."""


class WholeBlocks:
    """Makes one call a block.

    Args:
        client: makes the calls.
        model_name: the model.
        signature_name: the signature.
    """

    def __init__(self, client: PredictionClient, model_name: str, signature_name: str) -> None:
        self._client = client
        self._model_name = model_name
        self._signature_name = signature_name

    async def ask(self, inputs: Mapping[str, NDArray[Any]], *, deadline_s: float) -> list[Part]:
        """What became of all rows, in one part.

        Args:
            inputs: arrays by input name, with the same number of rows, at least one.
            deadline_s: seconds for the call.
        """
        outcome = await self._client.predict(
            self._model_name, inputs, deadline_s=deadline_s, signature_name=self._signature_name
        )
        return [Part(0, len(next(iter(inputs.values()))), outcome)]
