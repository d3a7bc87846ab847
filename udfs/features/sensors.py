"""Sliding event-time windows over many sensors of many machines: mean, spread and slope."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.features.histories import Histories, Ints
from udfs.features.regimes import STEPS, Scale
from udfs.features.values import Columns

Floats = NDArray[np.float64]

_SLICE_RECORDS = 256  # whose deviations stay in a cache of the processor
_ALWAYS = -(2**62)
# Time within the longest window in whole steps, so that sums over it are exact as well.
_TIME_STEPS = 65_536


@dataclass(frozen=True)
class SensorValues:
    """What `SensorWindows` gave for n records, w windows and s sensors, in spreads.

    Attributes:
        count: readings of the machine in each window, the current one included; int64 (n, w).
        mean: mean deviation from the regime; (n, w, s).
        spread: standard deviation of the deviations; (n, w, s).
        slope: least-squares slope over time, per longest window; (n, w, s), 0 where all readings
            of the window are of one moment.
        regime: the current operating regime; int64 (n,).
    """

    count: Ints
    mean: Floats
    spread: Floats
    slope: Floats
    regime: Ints


@dataclass(frozen=True)
class SensorWindows:
    """Mean, spread and slope of sensors per machine over exact windows (t - w, t].

    Attributes:
        name: how features and state name this fold.
        key: the record field that holds the machine.
        scale: how sensors become deviations from their operating regime.
        windows_ms: window lengths in milliseconds, ascending.
    """

    name: str
    key: str
    scale: Scale
    windows_ms: tuple[int, ...]

    @property
    def values(self) -> tuple[str, ...]:
        """Settings and sensors are stored with each event."""
        return (self.scale.settings, self.scale.sensors)

    def start(self, lateness_ms: int) -> "SensorFold":
        """The windows without any event; gives `SensorValues`."""
        return SensorFold(self, lateness_ms)


class SensorFold:
    """Folds blocks of readings into windows over sensors, in order of arrival.

    A record sees the readings of its machine that arrived before it and itself, with event time
    in (t - w, t]: also when it is late. Every result is computed anew from those readings, in
    whole numbers below 2^53, so neither the order of summation nor a restart changes a bit.
    Against float arithmetic on unrounded deviations a mean is off by 1/2,048 spread at most.

    Memory: 8 bytes a reading and 4 for each number that the scale makes of it, for about twice the
    readings of the longest window.
    """

    def __init__(self, declared: SensorWindows, lateness_ms: int) -> None:
        self.keep_ms = max(declared.windows_ms) + lateness_ms
        self._declared = declared
        self._histories = Histories(declared.scale.width)

    def update(
        self, keys: Ints, times: Ints, values: Columns, newest: Ints
    ) -> tuple[Ints, SensorValues]:
        """Sequence numbers (n,) and window values of a block; see `RunningFold.update`."""
        declared = self._declared
        deviations = declared.scale.deviations(values)
        n, w, s = len(keys), len(declared.windows_ms), deviations.shape[1]
        sequences = np.empty(n, dtype=np.int64)
        count, shape = np.empty((n, w), dtype=np.int64), (n, w, s)
        mean, spread, slope = np.empty(shape), np.empty(shape), np.empty(shape)
        floors = newest - self.keep_ms
        for first in range(0, n, _SLICE_RECORDS):
            part = slice(first, first + _SLICE_RECORDS)
            places, lengths, sequences[part] = self._histories.append(
                keys[part], times[part], deviations[part], floors[part]
            )
            for of, length in _alike(lengths):
                rows = first + of
                found = self._window(places[of], lengths[of], times[rows], floors[rows], length)
                count[rows], mean[rows], spread[rows], slope[rows] = found
        regime = declared.scale.regimes(values[declared.scale.settings])
        return sequences, SensorValues(count, mean, spread, slope, regime)

    def load(self, keys: Ints, times: Ints, values: Columns, sequences: Ints) -> None:
        """Puts back events that were folded before, in their order of arrival; n rows each."""
        deviations = self._declared.scale.deviations(values)
        self._histories.append(keys, times, deviations, np.full(len(keys), _ALWAYS))
        self._histories.set_seen(keys, sequences)

    def forget(self, floor_ms: int) -> None:
        """Drops machines that have been silent up to `floor_ms`; changes no result."""
        self._histories.forget(floor_ms)

    def _window(
        self, places: Ints, lengths: Ints, times: Ints, floors: Ints, length: int
    ) -> tuple[Ints, Floats, Floats, Floats]:
        """Counts, means, spreads and slopes from the last `length` readings or fewer of each."""
        windows, kept = self._declared.windows_ms, self._histories
        back = np.arange(length)
        known = back < lengths[:, None]
        at = np.where(known, places[:, None] - back, places[:, None])
        when = kept.times[at]
        age = times[:, None] - when
        known &= (age >= 0) & (when > floors[:, None])
        known[:, 0] = True  # a record older than all that is kept sees itself
        inside = known[:, None] & (age[:, None] < np.array(windows)[:, None])
        moments = -(age * _TIME_STEPS // windows[-1])[:, None] * inside
        deviations = kept.rows[at].astype(np.float64)
        return _regression(inside.astype(np.float64), moments.astype(np.float64), deviations)


def _alike(lengths: Ints) -> Iterator[tuple[Ints, int]]:
    """Places of lengths (n,) that are about as large, and the power of two above them."""
    powers = np.exp2(np.ceil(np.log2(lengths))).astype(np.int64)
    for power in np.unique(powers).tolist():
        of = np.flatnonzero(powers == power)
        yield of, int(lengths[of].max())


def _regression(
    inside: Floats, moments: Floats, values: Floats
) -> tuple[Ints, Floats, Floats, Floats]:
    """Count, mean, spread and slope of values over time, in spreads and longest windows.

    Args:
        inside: 1 where reading l is inside window w, else 0; (n, w, l).
        moments: time of the reading in steps where it is inside, else 0; (n, w, l).
        values: deviations in steps; (n, l, s).
    """
    # Side by side in one array they would be one product, and copying them costs more than two.
    total, squares = inside @ values, inside @ np.square(values)
    count = inside.sum(axis=2)[..., None]
    time = moments.sum(axis=2)[..., None]
    mean = total / count
    variance = np.maximum(squares / count - np.square(mean), 0.0)
    scatter = np.square(moments).sum(axis=2)[..., None] - time * (time / count)
    product = moments @ values - time * mean
    slope = np.divide(product, scatter, out=np.zeros_like(mean), where=scatter > 0)
    counts: Ints = count[..., 0].astype(np.int64)
    return counts, mean / STEPS, np.sqrt(variance) / STEPS, slope * (_TIME_STEPS / STEPS)
