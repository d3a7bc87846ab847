"""Shows a client's counts as metrics of Flink."""

from collections.abc import Callable
from typing import Any

from udfs import metrics
from udfs.client.counts import LATENCY_BOUNDS_MS, CallCounts
from udfs.client.endpoint import Endpoint
from udfs.client.outcomes import FailureReason
from udfs.client.predict import PredictionClient


def show_client(group: Any, client: PredictionClient) -> None:
    """Registers a gauge for everything that a client counts.

    Args:
        group: a `pyflink.metrics.MetricGroup`.
        client: the client; the gauges read it at the end of each bundle.
    """
    counts = client.counts
    group.gauge(metrics.CALLS, lambda: counts.calls)
    group.gauge(metrics.ATTEMPTS, lambda: counts.attempts)
    group.gauge(metrics.RETRIES, lambda: counts.retries)
    group.gauge(metrics.IN_FLIGHT, lambda: counts.in_flight)
    group.gauge(metrics.MOST_IN_FLIGHT, lambda: counts.most_in_flight)
    group.gauge(metrics.LATENCY_SUM_US, lambda: counts.latency_us)
    group.gauge(metrics.LONGEST_US, lambda: counts.longest_us)
    for reason in FailureReason:
        below = group.add_group("reason", reason.value)
        below.gauge(metrics.FAILURES, _failures(counts, reason))
    for place, bound in enumerate((*LATENCY_BOUNDS_MS, "+Inf")):
        below = group.add_group("le", str(bound))
        below.gauge(metrics.LATENCY_BUCKET, _up_to(counts, place))
    for endpoint in client.endpoints:
        below = group.add_group("endpoint", endpoint.target)
        below.gauge(metrics.BREAKER_STATE, _state(endpoint))
        below.gauge(metrics.ENDPOINT_ATTEMPTS, _attempts(endpoint))


def _failures(counts: CallCounts, reason: FailureReason) -> Callable[[], int]:
    return lambda: counts.failures[reason]


def _up_to(counts: CallCounts, place: int) -> Callable[[], int]:
    # Prometheus' buckets hold everything below their bound, so the smaller ones too.
    return lambda: sum(counts.latencies[: place + 1])


def _state(endpoint: Endpoint) -> Callable[[], int]:
    return lambda: int(endpoint.breaker.state)


def _attempts(endpoint: Endpoint) -> Callable[[], int]:
    return lambda: endpoint.attempts
