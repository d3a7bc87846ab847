"""Waits for what a server does by itself."""

import threading
import time
from collections.abc import Callable
from typing import Final

_DEADLINE_S: Final = 60.0
_PAUSE: Final = threading.Event()


def until(condition: Callable[[], bool]) -> None:
    """Returns once the condition holds.

    Raises:
        TimeoutError: it did not within a minute.
    """
    end = time.monotonic() + _DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the server did not do in time what the case waits for")
        _PAUSE.wait(0.05)
