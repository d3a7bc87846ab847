"""What newcase means by its features, and what its rule finds."""

import numpy as np
from newcase.use_case import SPEC, USE_CASE, rule
from newcase.world import DAY_MS, HOUR_MS, Event, generate

from training.dataset import build

NOON_MS = 20_000 * DAY_MS + 12 * HOUR_MS


def test_features_are_means_over_windows_that_end_with_the_event() -> None:
    events = [
        Event(1, 7, 1_000, NOON_MS),
        Event(2, 8, 5_000, NOON_MS),
        Event(3, 7, 3_000, NOON_MS + 2 * HOUR_MS),
        Event(4, 7, 8_000, NOON_MS + 25 * HOUR_MS),
    ]
    last = build(USE_CASE, [(event, False) for event in events]).features[-1]
    assert dict(zip(SPEC.names, last.tolist(), strict=True)) == {
        "amount": 80.0,
        "night": 0.0,
        "mean_amount_1d": 55.0,
        "mean_amount_7d": 40.0,
    }


def test_the_rule_finds_most_unusual_events_with_few_false_alarms() -> None:
    data = build(USE_CASE, generate(1, NOON_MS, 40_000, 28 * DAY_MS))
    settled = data[data.times_ms > NOON_MS + 7 * DAY_MS]
    _, found = rule(settled.features)
    true = np.count_nonzero(found & settled.labels)
    assert true / np.count_nonzero(settled.labels) > 0.6
    assert true / np.count_nonzero(found) > 0.6
