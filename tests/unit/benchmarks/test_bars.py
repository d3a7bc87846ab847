"""The bars of the issue."""

import pytest

from benchmarks.bars import latency_bar, memory_bar, rate_bars


@pytest.mark.parametrize(("p99_ms", "met"), [(250.0, True), (250.1, False)])
def test_latency_may_reach_its_bar_and_not_pass_it(p99_ms: float, met: bool) -> None:
    assert latency_bar(p99_ms).met is met


def test_memory_is_measured_beyond_a_bare_worker() -> None:
    assert memory_bar(160 << 20, 100 << 20).measured == 60.0


def test_a_bar_needs_both_of_its_sides() -> None:
    assert rate_bars({"score_exactly_once": [100.0]}) == []


def test_the_fall_with_many_customers_is_held_against_few() -> None:
    (bar,) = rate_bars({"score_exactly_once": [100.0], "score_exactly_once_200k": [69.0]})
    assert (round(bar.measured, 2), bar.met) == (0.69, False)


def test_a_bar_compares_what_ran_in_the_same_turn() -> None:
    # The machine became slower by half. By the medians it would be 0.55.
    rates = {"score_exactly_once": [200.0, 100.0], "score_exactly_once_200k": [164.0, 82.0, 41.0]}
    (bar,) = rate_bars(rates)
    assert (round(bar.measured, 2), bar.met) == (0.82, True)
