"""Steady-state rates and what is complained about."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.contestants.registry import CONTESTANTS, Contestant
from benchmarks.outcome import Outcome, steady
from benchmarks.rates import Rates, complaints

GOOD = Outcome(
    count=1000,
    dead_letters=0,
    missing=0,
    twice=0,
    fallbacks=0,
    sequences=42,
    mean_output=0.5,
    rate=10.0,
    steady_s=70.0,
)
SCORE = Contestant("score", "score")


def test_the_steady_state_leaves_out_a_slow_start_and_a_slow_end() -> None:
    start, end = np.arange(19) * 1_000, 90_000 + np.arange(9) * 1_000
    middle = 50_000 + np.arange(72)
    assert steady(np.concatenate([start, middle, end]))[0] == pytest.approx(1000.0)


def test_append_times_need_no_order() -> None:
    times = np.arange(1000)
    assert steady(times[::-1].copy()) == steady(times)


def test_no_records_have_no_rate() -> None:
    assert steady(np.empty(0, np.int64)) == (0.0, 0.0)


def test_a_good_run_is_not_complained_about() -> None:
    assert complaints(SCORE, GOOD, GOOD) == []


def test_every_flaw_is_named() -> None:
    bad = replace(
        GOOD, missing=1, twice=2, dead_letters=3, fallbacks=500, sequences=0, mean_output=0.4
    )
    assert complaints(SCORE, bad, GOOD) == [
        "1 records missing, 2 twice",
        "3 dead letters of good records",
        "500 answers by the rule instead of the model",
        "sequence numbers differ from those of the others",
        "mean score 0.400000 instead of 0.500000",
    ]


def test_a_contestant_counts_by_its_median_turn() -> None:
    turns = [replace(GOOD, rate=rate) for rate in (1.0, 90.0, 3.0)]
    assert Rates({"score": turns}).medians() == {"score": 3.0}


def test_the_contestants_hold_all_keys_that_are_promised() -> None:
    promised = {
        "score_exactly_once",
        "score_at_least_once",
        "handwritten_unguarded_1",
        "handwritten_unguarded_2",
        "handwritten_durable",
        "documented_async",
        "jvm_pass_through",
    }
    assert promised <= {contestant.name for contestant in CONTESTANTS if contestant.required}
