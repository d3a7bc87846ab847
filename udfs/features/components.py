"""A few numbers that tell what many sensors tell, in fixed point."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.features.regimes import LARGEST, STEPS, RegimeScale
from udfs.features.values import Columns

# Weights in whole numbers, so that a sum over sensors is the same bits in any order.
_WEIGHT_STEPS = 65_536


@dataclass(frozen=True)
class RegimeComponents:
    """Weighted sums of sensors' deviations, with weights of each operating regime.

    Wear moves all sensors together, by amounts and with noise that differ from regime to regime.
    Summed before a window mixes regimes, a reading of any regime says the same of the machine.

    Attributes:
        scale: how sensors become deviations from their regime.
        weights: of s deviations for each of c components in each regime, (r, c, s); used to
            1/65,536.
        shifts: what is added to each sum, (r, c).
    """

    scale: RegimeScale
    weights: tuple[tuple[tuple[float, ...], ...], ...]
    shifts: tuple[tuple[float, ...], ...]

    @property
    def settings(self) -> str:
        """The record field of the settings."""
        return self.scale.settings

    @property
    def sensors(self) -> str:
        """The record field of the sensors."""
        return self.scale.sensors

    @property
    def width(self) -> int:
        """How many components there are."""
        return len(self.shifts[0])

    def regimes(self, settings: NDArray[np.float64]) -> NDArray[np.int64]:
        """The operating regime, (n,), for settings (n, k)."""
        return self.scale.regimes(settings)

    def deviations(self, columns: Columns) -> NDArray[np.int32]:
        """Components, (n, c), in steps of 1/1,024, clipped to 512 either way.

        >>> heat = RegimeScale("set", "heat", (0, 1), (1.0,), ((0.0,),), ((1.0, 1.0),),
        ...     ((1.0, 2.0),))
        >>> both = RegimeComponents(heat, weights=(((0.5, 0.25),),), shifts=((-1.0,),))
        >>> both.deviations({"set": np.zeros((1, 1)), "heat": np.array([[5.0, 9.0]])}).tolist()
        [[2048]]
        """
        regime = self.regimes(columns[self.settings])
        weights = np.rint(np.array(self.weights) * _WEIGHT_STEPS)
        shifts = np.rint(np.array(self.shifts) * STEPS)
        deviations = self.scale.deviations_in(regime, columns).astype(np.float64)
        sums = np.einsum("ncs,ns->nc", weights[regime], deviations)  # below 2^53, so exact
        steps = np.rint(sums / _WEIGHT_STEPS) + shifts[regime]
        clipped: NDArray[np.int32] = np.clip(steps, -LARGEST, LARGEST).astype(np.int32)
        return clipped
