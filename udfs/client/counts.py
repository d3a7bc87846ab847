"""What a client counts about its calls, as plain numbers."""

from bisect import bisect_left
from typing import Final

from udfs.client.outcomes import FailureReason

LATENCY_BOUNDS_MS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
"""Upper ends of the latency buckets; a last bucket without end follows."""


class CallCounts:
    """Numbers that only grow, apart from `in_flight`.

    Attributes:
        calls: calls that were asked for.
        attempts: calls that went to an endpoint; at most calls plus retries.
        retries: attempts after the first of a call.
        in_flight: calls that have not ended.
        most_in_flight: the largest `in_flight` so far.
        failures: calls without a usable answer, by reason.
        latencies: ended calls by bucket, one more than there are bounds.
        latency_us: sum over all ended calls.
        longest_us: the longest of them.
    """

    def __init__(self) -> None:
        self.calls = self.attempts = self.retries = 0
        self.in_flight = self.most_in_flight = 0
        self.failures = dict.fromkeys(FailureReason, 0)
        self.latencies = [0] * (len(LATENCY_BOUNDS_MS) + 1)
        self.latency_us = self.longest_us = 0

    def began(self) -> None:
        """Counts a call that begins."""
        self.calls += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def ended(self, seconds: float) -> None:
        """Counts a call that ended, however it did.

        >>> counts = CallCounts()
        >>> counts.began(), counts.ended(0.0051), counts.latencies[:5]
        (None, None, [0, 0, 0, 1, 0])
        """
        self.in_flight -= 1
        self.latencies[bisect_left(LATENCY_BOUNDS_MS, seconds * 1000)] += 1
        took_us = round(seconds * 1_000_000)
        self.latency_us += took_us
        self.longest_us = max(self.longest_us, took_us)

    def failed(self, reason: FailureReason) -> None:
        """Counts a call without a usable answer."""
        self.failures[reason] += 1
