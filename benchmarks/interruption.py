"""How a measurement ends before its end: by Ctrl-C, or by SIGTERM as if it were that."""

import signal
from types import FrameType

INTERRUPTED = 130
"""The exit status then, as a shell has it."""


def sigterm_interrupts() -> None:
    """Lets SIGTERM raise KeyboardInterrupt, so that everything that was started is stopped."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
