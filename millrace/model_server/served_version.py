"""A loaded version, and how long it has to stay."""

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from millrace.model_server.servable import Servable


@dataclass(eq=False)
class ServedVersion:
    """A loaded version and the calls that are running on it.

    Attributes:
        name: the model.
        version: its number.
        servable: what runs it.
        expected_s: seconds that a call may take, from recent ones; endless before the first.
    """

    name: str
    version: int
    servable: Servable
    expected_s: float = math.inf
    _calls: int = 0
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._idle.set()

    @contextmanager
    def in_use(self) -> Iterator[Servable]:
        """Keeps the version loaded inside the block."""
        self._calls += 1
        self._idle.clear()
        try:
            yield self.servable
        finally:
            self._calls -= 1
            if not self._calls:
                self._idle.set()

    async def drained(self) -> None:
        """Returns when no call runs on the version."""
        await self._idle.wait()
