"""A loaded version, and how long it has to stay."""

import asyncio
import math
import threading
from dataclasses import dataclass, field

from millrace.model_server.servable import Servable


@dataclass(eq=False)
class ServedVersion:
    """A loaded version and the calls that are running on it, in whatever threads.

    Attributes:
        name: the model.
        version: its number.
        servable: what runs it.
        expected_s: seconds that a call may take, from recent ones; endless before the first.
        doubtful: whether it takes long is still to be found out, or may change.
        short_bytes: inputs of this size did not take long.
    """

    name: str
    version: int
    servable: Servable
    expected_s: float = math.inf
    doubtful: bool = True
    short_bytes: int = 0
    _calls: int = 0
    _leaving: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _idle: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def acquire(self) -> bool:
        """Keeps the version loaded until `release`; False when it is on its way out."""
        with self._lock:
            if self._leaving:
                return False
            self._calls += 1
            return True

    def release(self) -> None:
        """Ends what `acquire` began."""
        with self._lock:
            self._calls -= 1
            idle = None if self._calls else self._idle
        if idle:
            loop, event = idle
            loop.call_soon_threadsafe(event.set)

    async def drained(self) -> None:
        """Lets no more calls in and returns when none runs on the version."""
        idle = asyncio.Event()
        with self._lock:
            self._leaving = True
            self._idle = (asyncio.get_running_loop(), idle)
            if not self._calls:
                return
        await idle.wait()
