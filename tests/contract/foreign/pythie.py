"""Our client against pythie-serving, as far as that has an API; runs in our environment."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np

from tests.contract.foreign import report
from udfs.client.outcomes import Answer, Failure
from udfs.client.predict import PredictionClient

DEADLINE_S = 20.0
SIZES = {"size": np.array([[2], [1]], np.int64)}


def asked(target: str, ask: Callable[[PredictionClient], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        client = PredictionClient(target)
        try:
            return await ask(client)
        finally:
            await client.close()

    return asyncio.run(run())


def predict(target: str) -> object:
    """Predictions; it has no versions and gives back the one that was asked for."""
    answer = asked(target, lambda c: c.predict("prices", SIZES, deadline_s=DEADLINE_S, version=1))
    assert isinstance(answer, Answer), answer
    return answer.outputs["predictions"].tolist()


def failed(target: str, name: str) -> object:
    """The reason of a failure."""
    outcome = asked(target, lambda c: c.predict(name, SIZES, deadline_s=DEADLINE_S))
    return outcome.reason.value if isinstance(outcome, Failure) else outcome


def status(target: str) -> object:
    """What becomes of a method that it does not have."""
    outcome = asked(target, lambda c: c.model_status("prices", deadline_s=DEADLINE_S))
    return outcome.reason.value if isinstance(outcome, Failure) else outcome


def main(target: str) -> int:
    """Asks the server at an address."""
    checks: dict[str, Callable[[], object]] = {
        "Predict": lambda: predict(target),
        "unknown model": lambda: failed(target, "m"),
        "GetModelStatus, which it lacks": lambda: status(target),
    }
    expected: dict[str, object] = {
        "Predict": [20, 10],
        "unknown model": "internal",
        "GetModelStatus, which it lacks": "not_a_model_server",
    }
    return report.run(checks, expected)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
