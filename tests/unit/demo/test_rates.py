"""Figures of the last seconds."""

import pytest

from millrace.demo.rates import Latencies, quantile


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        (range(1, 101), 0.5, 50),
        (range(1, 101), 0.99, 99),
        ([7], 0.99, 7),
        ([7], 0.5, 7),
        ([3, 1], 0.5, 1),
        ([], 0.5, None),
    ],
)
def test_quantiles_are_values_that_were_seen(
    values: list[int], share: float, expected: int | None
) -> None:
    assert quantile(values, share) == expected


def test_recent_latencies_forget_and_kept_ones_do_not() -> None:
    latencies = Latencies()
    latencies.add(5, now=0.0, keep=True)
    latencies.add(6, now=9.0, keep=False)
    assert (latencies.recent(now=11.0), latencies.kept()) == ([6], [5])
