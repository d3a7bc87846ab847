"""Sensors as deviations from what is normal in a machine's operating regime, in fixed point."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from udfs.features.values import Columns

STEPS = 1024
"""Fixed point: a deviation of one spread is 1,024 steps."""

LARGEST = 512 * STEPS
"""Deviations end here, either way: sums of 32,768 of their squares still are exact in float64."""


class Scale(Protocol):
    """What makes whole numbers of a reading, from its sensors and its operating regime."""

    @property
    def settings(self) -> str:
        """The record field of the settings."""

    @property
    def sensors(self) -> str:
        """The record field of the sensors."""

    @property
    def width(self) -> int:
        """How many numbers a reading becomes, s."""

    def regimes(self, settings: NDArray[np.float64]) -> NDArray[np.int64]:
        """The operating regime, (n,), for settings (n, k)."""

    def deviations(self, columns: Columns) -> NDArray[np.int32]:
        """The numbers, (n, s), in steps of 1/1,024."""


@dataclass(frozen=True)
class RegimeScale:
    """How readings of many sensors become deviations from their operating regime.

    A machine's settings put it into the regime whose centre is nearest; from each sensor the
    regime's mean is taken, and the rest divided by the regime's spread. Sums over a window mix
    regimes, so this has to come before them: it is part of the feature spec and not of a model.

    Attributes:
        settings: the record field of the settings, a vector of k.
        sensors: the record field of the sensors, a vector of all the record has.
        chosen: places of the s sensors that are used.
        ranges: by which each setting is divided before distances are taken, (k,).
        centres: settings in the middle of each regime, (r, k).
        means: of the chosen sensors in each regime, (r, s).
        spreads: their standard deviations, above zero, (r, s).
    """

    settings: str
    sensors: str
    chosen: tuple[int, ...]
    ranges: tuple[float, ...]
    centres: tuple[tuple[float, ...], ...]
    means: tuple[tuple[float, ...], ...]
    spreads: tuple[tuple[float, ...], ...]

    @property
    def width(self) -> int:
        """How many sensors are used."""
        return len(self.chosen)

    def regimes(self, settings: NDArray[np.float64]) -> NDArray[np.int64]:
        """The place of the nearest centre, (n,), for settings (n, k); of equals the first.

        >>> scale = RegimeScale("set", "heat", (0,), (10.0,), ((0.0,), (10.0,)), ((1.0,),) * 2,
        ...     ((1.0,),) * 2)
        >>> scale.regimes(np.array([[1.0], [9.0], [5.0]])).tolist()
        [0, 1, 0]
        """
        ranges = np.array(self.ranges)
        away = settings[:, None] / ranges - np.array(self.centres) / ranges
        nearest: NDArray[np.int64] = np.argmin(np.square(away).sum(axis=2), axis=1)
        return nearest

    def deviations(self, columns: Columns) -> NDArray[np.int32]:
        """Deviations of the chosen sensors, (n, s), in steps of 1/1,024 spread.

        Whole numbers, because their sums are the same bits in any order. They are clipped to 512
        spreads either way: sums of 32,768 of their squares still are exact in float64.
        """
        return self.deviations_in(self.regimes(columns[self.settings]), columns)

    def deviations_in(self, regime: NDArray[np.int64], columns: Columns) -> NDArray[np.int32]:
        """`deviations` of readings whose regimes, (n,), are known."""
        sensors = columns[self.sensors][:, self.chosen]
        scaled = (sensors - np.array(self.means)[regime]) / np.array(self.spreads)[regime]
        steps: NDArray[np.int32] = np.rint(np.clip(scaled * STEPS, -LARGEST, LARGEST)).astype(
            np.int32
        )
        return steps
