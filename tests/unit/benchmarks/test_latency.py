"""Latency out of append times and receipts."""

from benchmarks.latency import Percentiles, Schedule, percentiles
from benchmarks.receipts import Times


def test_only_records_appended_within_the_window_count() -> None:
    sent = Times([1, 2, 3], [100, 200, 300])
    received = Times([3, 2, 1], [999, 207, 105])
    assert percentiles(sent, received, [(150, 250)]) == [Percentiles(7.0, 7.0, 1, 0)]


def test_a_record_without_an_answer_is_missing() -> None:
    sent, received = Times([1, 2], [100, 101]), Times([1], [105])
    assert percentiles(sent, received, [(0, 200)]) == [Percentiles(5.0, 5.0, 1, 1)]


def test_a_prediction_that_came_twice_counts_by_its_first_time() -> None:
    sent, received = Times([1], [100]), Times([1, 1], [105, 190])
    assert percentiles(sent, received, [(0, 200)]) == [Percentiles(5.0, 5.0, 1, 0)]


def test_the_schedule_ends_with_the_rates_that_are_measured() -> None:
    phases = Schedule(warm_up_s=60, measured_s=10, half=40_000).phases()
    assert phases[-4:] == [(1_000.0, 10), (5_000.0, 10), (20_000.0, 10), (40_000.0, 10)]
