"""One line a phase on standard error."""

import sys
import time
from pathlib import Path

_BEGIN = time.monotonic()


def say(text: str) -> None:
    """Prints what is done now, with the time since the start."""
    minutes, seconds = divmod(int(time.monotonic() - _BEGIN), 60)
    print(f"[{minutes:02d}:{seconds:02d}] {text}", file=sys.stderr, flush=True)


def last_lines(log: Path, count: int = 5) -> str:
    """The end of a log, for an error message."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return " | ".join(lines[-count:])
