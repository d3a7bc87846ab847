"""The fleet wears out as it should, and the rule and the labels say so."""

from itertools import islice

import numpy as np
import pytest

from training.dataset import build
from training.evaluate_life import remaining_life
from udfs.features.regimes import STEPS
from udfs.use_cases.maintenance import (
    LONGEST_LIFE,
    MAINTENANCE,
    REMAINING_LIFE,
    SPEC,
    back_labelled,
)
from udfs.use_cases.maintenance_records import CYCLE_MS, Failure, Reading
from udfs.use_cases.maintenance_regimes import CENTRES, CHOSEN, MEANS, SPREADS, WEAR
from udfs.use_cases.maintenance_wear import COMPONENTS, ENGINE_WEAR, PRESSURES
from udfs.use_cases.maintenance_world import before, generate, live

START_MS = 1_700_000_000_000
DAY_MS = 86_400_000


def test_a_machine_is_read_every_cycle_until_it_fails() -> None:
    by_unit: dict[int, list[tuple[Reading, float]]] = {}
    for reading, left in generate(1, START_MS, 5_000, DAY_MS):
        by_unit.setdefault(reading.unit_id, []).append((reading, left))
    *whole, _ = [by_unit[unit] for unit in sorted(by_unit)]
    assert len(whole) > 10
    for life in whole:
        assert [reading.cycle for reading, _ in life] == list(range(1, len(life) + 1))
        assert [left for _, left in life] == [float(left) for left in range(len(life))][::-1]
        times = np.diff([reading.event_time_ms for reading, _ in life])
        assert np.abs(times - CYCLE_MS).max() <= 1


def test_a_machine_of_live_traffic_is_replaced_when_it_has_failed() -> None:
    made = list(islice(live(1, START_MS, 5.0), 10 * 400))
    failed = {reading.unit_id for reading, left in made if left == 0}
    last = {reading.unit_id: reading.cycle for reading, _ in made}
    assert len(failed) >= 10
    assert all(
        reading.cycle == last[reading.unit_id]
        for reading, left in made
        if left == 0 and reading.unit_id in failed
    )
    assert len({reading.unit_id for reading, _ in made}) == 10 + len(failed)
    assert len({reading.reading_id for reading, _ in made}) == len(made)


def test_machines_of_live_traffic_go_on_from_what_they_did_before() -> None:
    earlier = list(before(1, START_MS, 5.0))
    made = [*earlier, *islice(live(1, START_MS, 5.0), 10 * 400)]
    times = [reading.event_time_ms for reading, _ in made]
    assert times == sorted(times)
    assert earlier[-1][0].event_time_ms < START_MS
    assert len({reading.reading_id for reading, _ in made}) == len(made)
    by_unit: dict[int, list[tuple[int, float]]] = {}
    for reading, left in made:
        by_unit.setdefault(reading.unit_id, []).append((reading.cycle, left))
    for life in by_unit.values():
        assert [cycle for cycle, _ in life] == list(range(1, len(life) + 1))
        assert len({cycle + left for cycle, left in life}) == 1


def test_worn_machines_of_live_traffic_have_drifted_from_their_own_start() -> None:
    """Without what they did before, their start would be as worn as they are."""
    earlier, now = list(before(1, START_MS, 50.0)), list(islice(live(1, START_MS, 50.0), 1_000))
    drift = SPEC.names.index("wear_drift_30")
    shares = []
    for made in ([*earlier, *now], now):
        data = build(MAINTENANCE, made)[-len(now) :]
        shares.append(float(data.features[data.labels < 20, drift].mean()))
    assert shares[0] > 0.6
    assert shares[1] < 0.1


def test_a_reading_of_any_regime_tells_the_same_wear() -> None:
    """The mean of all engines, new and old, and a worn machine of the generator."""
    new = np.array(MEANS)
    worn = new.copy()
    worn[:, CHOSEN] += np.array(WEAR) * np.array(SPREADS)[:, CHOSEN]
    settings = np.array(CENTRES)
    given = [
        ENGINE_WEAR.deviations({"settings": settings, "sensors": sensors})[:, 0] / STEPS
        for sensors in (new, worn)
    ]
    assert given[0] == pytest.approx(np.full(len(CENTRES), 0.265), abs=0.01)
    assert given[1] == pytest.approx(np.full(len(CENTRES), 1.19), abs=0.12)


def test_a_machine_whose_pressures_go_the_other_way_is_worn_as_well() -> None:
    worn, other = np.array(MEANS), np.array(MEANS)
    change = np.array(WEAR) * np.array(SPREADS)[:, CHOSEN]
    worn[:, CHOSEN] += change
    other[:, CHOSEN] += np.where(np.isin(CHOSEN, PRESSURES), -change, change)
    settings = np.array(CENTRES)
    one, two = (
        ENGINE_WEAR.deviations({"settings": settings, "sensors": sensors}) / STEPS
        for sensors in (worn, other)
    )
    wear, contrast = COMPONENTS.index("wear"), COMPONENTS.index("contrast")
    assert np.abs(one[:, contrast]).max() < 0.5
    assert (two[:, contrast] - one[:, contrast]).min() > 1.3
    features = np.zeros((2 * len(CENTRES), len(SPEC.names)))
    for name in ("wear", "contrast"):
        at = SPEC.names.index(f"{name}_mean_15")
        features[:, at] = np.concatenate([one, two])[:, COMPONENTS.index(name)]
    (left,) = MAINTENANCE.rule(features)
    assert (one[:, wear] - two[:, wear]).min() > 0.35
    assert np.abs(left[: len(CENTRES)] - left[len(CENTRES) :]).max() < 25.0
    assert left.max() < 25.0


def test_the_rule_tells_worn_machines_from_new_ones() -> None:
    data = build(MAINTENANCE, generate(2, START_MS, 20_000, 5 * DAY_MS))
    (left,) = MAINTENANCE.rule(data.features)
    measured = remaining_life(data, {REMAINING_LIFE.tensor: left})
    constant = np.full_like(left, np.minimum(data.labels, LONGEST_LIFE).mean())
    by_mean = remaining_life(data, {REMAINING_LIFE.tensor: constant})
    assert measured["rmse_capped"] < 0.8 * by_mean["rmse_capped"]


def test_labels_come_back_from_a_failure_and_only_to_those_before_it() -> None:
    def reading(unit: int, cycle: int) -> Reading:
        return Reading(10 * unit + cycle, unit, cycle, 0, [0.0] * 3, [0.0] * 21)

    readings = [reading(1, 3), reading(2, 3), reading(1, 5), reading(1, 6)]
    found = back_labelled(readings, [Failure(1, 5, 0)])
    assert [(each.reading_id, left) for each, left in found] == [(13, 2.0), (15, 0.0)]
