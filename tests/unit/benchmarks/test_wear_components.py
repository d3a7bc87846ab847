"""Components are found again in machines that were made from known ones."""

import numpy as np
import pytest

from benchmarks.wear_components import Floats, Lives, components, contrast, smoothed
from udfs.use_cases.maintenance_regimes import CENTRES

SENSORS, MACHINES, CYCLES = 6, 80, 200


def fleet(seed: int) -> tuple[Lives, Floats]:
    """Machines whose sensors show wear and speed, by other amounts in each regime; the wear."""
    draw = np.random.default_rng(seed)
    n = MACHINES * CYCLES
    share = np.tile(np.linspace(1 / CYCLES, 1.0, CYCLES), MACHINES)
    machine = np.repeat(np.arange(MACHINES), CYCLES)
    wear = np.power(share, 3.0)
    speed = draw.normal(size=MACHINES)[machine] * wear
    regime = draw.integers(0, len(CENTRES), n)
    amounts = draw.normal(size=(len(CENTRES), 2, SENSORS)) * 2
    amounts[:, 0] = 3 + draw.random((len(CENTRES), SENSORS))
    shown = np.einsum("nc,ncs->ns", np.column_stack([wear, speed]), amounts[regime])
    noise = draw.normal(size=shown.shape) * draw.uniform(0.2, 1.0, (len(CENTRES), SENSORS))[regime]
    return Lives(shown + noise, regime, machine, np.round(CYCLES * (1 - share))), wear


def test_wear_is_found_up_to_noise_in_every_regime() -> None:
    lives, wear = fleet(seed=1)
    weights, shifts = components(lives)
    told = np.einsum("ncs,ns->nc", weights[lives.regime], lives.deviations) + shifts[lives.regime]
    for regime in range(len(CENTRES)):
        of = lives.regime == regime
        for low, high in ((0.0, 0.1), (0.4, 0.6), (0.9, 1.0)):
            rows = of & (wear >= low) & (wear <= high)
            assert told[rows, 0].mean() == pytest.approx(wear[rows].mean(), abs=0.1)


def test_contrast_is_nothing_unless_some_sensors_go_their_own_way() -> None:
    lives, wear = fleet(seed=2)
    weights, _ = components(lives)
    others = [1, 4]
    chosen, shifts = contrast(lives, weights[:, 0], others)
    end = wear > 0.95

    def told(deviations: Floats) -> float:
        shown = (chosen[lives.regime] * deviations).sum(axis=1) + shifts[lives.regime]
        return float(shown[end].mean())

    still = lives.deviations.copy()
    still[:, others] = 0.0
    mirrored = lives.deviations.copy()
    mirrored[:, others] *= -1
    assert told(lives.deviations) == pytest.approx(0.0, abs=0.1)
    assert told(still) == pytest.approx(1.0, abs=0.15)
    assert told(mirrored) == pytest.approx(2.0, abs=0.3)


def test_means_over_time_end_at_a_machines_first_and_last_reading() -> None:
    values = np.array([[1.0], [3.0], [5.0], [100.0], [200.0]])
    given = smoothed(values, np.array([7, 7, 7, 8, 8]), each_side=1)
    assert given.ravel().tolist() == [2.0, 3.0, 4.0, 150.0, 150.0]
