"""Components of sensors: against plain arithmetic, in any cut, and at the ends of their range."""

import numpy as np
import pytest
from numpy.typing import NDArray

from udfs.features.components import RegimeComponents
from udfs.features.regimes import LARGEST, STEPS, RegimeScale
from udfs.features.values import Columns

SCALE = RegimeScale(
    settings="settings",
    sensors="sensors",
    chosen=(2, 0, 1),
    ranges=(10.0,),
    centres=((0.0,), (10.0,)),
    means=((5.0, -1.0, 2.0), (50.0, 3.0, 8.0)),
    spreads=((2.0, 0.5, 1.0), (4.0, 0.25, 3.0)),
)
WEIGHTS = (((0.3, -0.2, 0.1), (0.01, 0.5, 0.0)), ((0.25, 0.4, -0.6), (0.0, -0.3, 0.7)))
SHIFTS = ((0.25, 0.0), (-0.5, 0.125))
BOTH = RegimeComponents(SCALE, WEIGHTS, SHIFTS)


def readings(count: int) -> Columns:
    draw = np.random.default_rng(1)
    regime = draw.integers(0, 2, count)
    sensors = np.zeros((count, 3))
    sensors[:, SCALE.chosen] = np.array(SCALE.means)[regime] + draw.normal(size=(count, 3)) * 3
    return {"settings": np.array(SCALE.centres)[regime], "sensors": sensors}


def plain(columns: Columns) -> NDArray[np.float64]:
    """A row after the other, without rounding."""
    rows = []
    for setting, sensors in zip(columns["settings"], columns["sensors"], strict=True):
        regime = int(setting[0] > 5)
        away = (sensors[list(SCALE.chosen)] - SCALE.means[regime]) / SCALE.spreads[regime]
        rows.append(np.array(WEIGHTS[regime]) @ away + SHIFTS[regime])
    return np.array(rows)


def test_components_are_the_weighted_sums_of_their_regime() -> None:
    columns = readings(300)
    given = BOTH.deviations(columns) / STEPS
    assert given == pytest.approx(plain(columns), abs=2 / STEPS)
    assert BOTH.width == given.shape[1]


@pytest.mark.parametrize("size", [1, 7, 256])
def test_components_are_the_same_bits_in_blocks_of_any_size(size: int) -> None:
    columns = readings(500)
    parts = [
        BOTH.deviations({name: column[at : at + size] for name, column in columns.items()})
        for at in range(0, 500, size)
    ]
    assert np.concatenate(parts).tolist() == BOTH.deviations(columns).tolist()


@pytest.mark.parametrize("far", [1e9, -1e9])
def test_components_end_where_deviations_do(far: float) -> None:
    strong = RegimeComponents(SCALE, (((9.0, 9.0, 9.0),),) * 2, ((0.0,),) * 2)
    columns = {"settings": np.zeros((1, 1)), "sensors": np.full((1, 3), far)}
    assert strong.deviations(columns).tolist() == [[np.sign(far) * LARGEST]]
