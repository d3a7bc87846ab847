"""The session without a server: `python -m benchmarks.serving.direct DIRECTORY SECONDS WIDTH`.

DIRECTORY is that of a version, WIDTH its number of features. Prints a JSON object: calls a second
and checksum of the answers, by rows a call.
"""

import json
import sys
import time
from pathlib import Path

from benchmarks.serving.rows import SIZES, checksum, features
from millrace.model_server.saved_model import SavedModelSession, SessionThreads


def measure(directory: Path, seconds: float, width: int) -> dict[int, dict[str, float]]:
    """Calls a second and checksum by rows a call."""
    session = SavedModelSession(directory, SessionThreads())
    signature = session.signatures["serving_default"]
    name = signature.inputs["features"].name
    fetches = [info.name for info in signature.outputs.values()]
    score = list(signature.outputs).index("score")
    found = {}
    for rows in SIZES:
        feeds = [(name, features(rows, width))]
        for _ in range(200):
            answer = session.run(feeds, fetches)
        start, calls = time.perf_counter(), 0
        while (took := time.perf_counter() - start) < seconds:
            session.run(feeds, fetches)
            calls += 1
        found[rows] = {"calls": calls / took, "checksum": checksum(answer[score])}
    session.close()
    return found


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))))
