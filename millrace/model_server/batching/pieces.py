"""The outputs of a call that is spread over several batches."""

import threading
from collections.abc import Callable

import numpy as np

from millrace.model_server.running import Values


class Pieces:
    """Puts the outputs of a call's pieces together once the last of them is there.

    Args:
        count: how many pieces there are.
        done: takes the outputs of the call, or the first error of a piece, when all have ended.
    """

    def __init__(self, count: int, done: Callable[[Values | Exception], None]) -> None:
        self._found: list[Values | Exception] = [[]] * count
        self._missing = count
        self._done = done
        self._lock = threading.Lock()

    def done(self, place: int, outcome: Values | Exception) -> None:
        """Takes the outcome of a piece."""
        with self._lock:
            self._found[place] = outcome
            self._missing -= 1
            if self._missing:
                return
        self._done(self._whole())

    def _whole(self) -> Values | Exception:
        values: list[Values] = []
        for outcome in self._found:
            if isinstance(outcome, Exception):
                return outcome
            values.append(outcome)
        return [np.concatenate(parts) for parts in zip(*values, strict=True)]
