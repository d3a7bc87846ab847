"""What Ctrl-C and a termination do to a demo: it ends in order, and only once."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ordered_end() -> Iterator[None]:
    """Inside the block Ctrl-C is a KeyboardInterrupt; SIGTERM and SIGHUP are a SystemExit."""
    before = {number: signal.getsignal(number) for number in _ENDING}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in _ENDING[1:]:
        signal.signal(number, _exit)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore_interrupts() -> None:
    """From here on parts are being ended, which must not be broken off."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)


def _exit(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)
