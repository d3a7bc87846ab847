"""One line a phase on standard error."""

import sys
import time

_BEGIN = time.monotonic()


def say(text: str) -> None:
    """Prints what is done now, with the time since the start."""
    minutes, seconds = divmod(int(time.monotonic() - _BEGIN), 60)
    print(f"[{minutes:02d}:{seconds:02d}] {text}", file=sys.stderr, flush=True)
