"""What a thread does once it has taken in all that has arrived."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import TypeAlias

Action: TypeAlias = Callable[[], None]

_here = threading.local()


class Turn:
    """The turns of a thread that takes in calls besides the event loop's own.

    Args:
        loop: the event loop, which has the timers.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._waiting: list[Action] = []

    def enter(self) -> None:
        """Makes these the turns of the calling thread."""
        _here.turn = self

    @property
    def pending(self) -> bool:
        """Whether something waits for the end of the turn."""
        return bool(self._waiting)

    def soon(self, action: Action) -> None:
        """Has something done at the end of the turn."""
        self._waiting.append(action)

    def taken(self) -> Sequence[Action]:
        """What waits for the end of the turn, which then waits no more."""
        waiting, self._waiting = self._waiting, []
        return waiting


def soon(action: Action) -> None:
    """Has something done by this thread at the end of its turn."""
    turn: Turn | None = getattr(_here, "turn", None)
    if turn is None:
        asyncio.get_running_loop().call_soon(action)
    else:
        turn.soon(action)


def later(seconds: float, action: Action) -> None:
    """Has something done by the event loop after some time."""
    turn: Turn | None = getattr(_here, "turn", None)
    if turn is None:
        asyncio.get_running_loop().call_later(seconds, action)
    else:
        turn.loop.call_soon_threadsafe(turn.loop.call_later, seconds, action)
