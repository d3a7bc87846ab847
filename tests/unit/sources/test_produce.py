"""Paces, and what producing says when it cannot."""

import time
from datetime import timedelta

import pytest

from millrace.kafka.cluster import Cluster
from millrace.sources.generator import live, past
from millrace.sources.produce import at_event_time, at_rate, produce
from millrace.sources.records import RawRecord
from udfs.errors import ConfigurationError, UnavailableError
from udfs.use_cases.fraud import FRAUD


def test_at_rate_spaces_records_evenly() -> None:
    pace = at_rate(100.0)
    waits = [pace(sent, RawRecord(None, None, 0)) for sent in (0, 100, 200)]
    assert [round(wait, 1) for wait in waits] == [0.0, 1.0, 2.0]


def test_at_event_time_waits_until_the_clock_shows_it() -> None:
    now_ms = time.time_ns() // 1_000_000
    wait = at_event_time()(0, RawRecord(None, None, now_ms + 3_000))
    assert 2.5 < wait < 3.1


def test_no_broker_is_one_clear_sentence() -> None:
    with pytest.raises(UnavailableError, match=r"no Kafka broker answers at 127\.0\.0\.1:1"):
        produce([], topic="fraud.raw", cluster=Cluster("127.0.0.1:1"))


def test_live_traffic_needs_a_rate() -> None:
    with pytest.raises(ConfigurationError, match="rate above 0"):
        live(FRAUD, seed=1, rate=0.0, start_ms=0)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="start at 0"):
        past(FRAUD, seed=-1, count=1, span=timedelta(days=1), end_ms=10**12)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_an_impossible_rate_is_refused(rate: float) -> None:
    with pytest.raises(ConfigurationError, match="above 0"):
        at_rate(rate)
