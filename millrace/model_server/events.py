"""The server's log: one JSON object a line on standard error."""

import json
import sys
from datetime import datetime, timezone


def log(event: str, **fields: str | int | float) -> None:
    """Writes one event; fields carry names and numbers, never tensors."""
    time = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    print(json.dumps({"time": time, "event": event, **fields}), file=sys.stderr, flush=True)
