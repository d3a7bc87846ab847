"""How many retries all calls together may make."""

from typing import Final

_WHOLE: Final = 100


class RetryBudget:
    """A token bucket that calls fill and retries empty.

    Each call puts `percent` hundredths of a token in, each retry takes a whole one. The bucket
    begins empty, so at any time since the start retries are at most that share of the calls: a
    server that is in trouble never gets more load because of it.

    Args:
        percent: retries per hundred calls.
        burst: tokens that the bucket holds: the most retries in a row after a good time.

    >>> budget = RetryBudget(percent=50)
    >>> budget.call(), budget.retry()
    (None, False)
    >>> budget.call(), budget.retry(), budget.retry()
    (None, True, False)
    """

    def __init__(self, percent: int = 20, burst: int = 10) -> None:
        self._percent = percent
        self._most = burst * _WHOLE
        # In hundredths: a sum of fractions would lose a token now and then.
        self._hundredths = 0

    def call(self) -> None:
        """Counts a call."""
        self._hundredths = min(self._most, self._hundredths + self._percent)

    def retry(self) -> bool:
        """Takes a token for a retry; False when there is none."""
        if self._hundredths < _WHOLE:
            return False
        self._hundredths -= _WHOLE
        return True
