"""How a machine's sensors stood at its own start: the mean of its first readings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.features.key_index import KeyIndex
from udfs.features.regimes import STEPS, Scale
from udfs.features.values import Columns

Ints = NDArray[np.int64]

_FIRST_CAPACITY = 64


@dataclass(frozen=True)
class Start:
    """What `MachineStart` gave for n records and s sensors.

    Attributes:
        mean: mean deviation of the first readings that have arrived, in spreads; (n, s).
        time_ms: event time of the machine's first reading; int64 (n,).
    """

    mean: NDArray[np.float64]
    time_ms: Ints


@dataclass(frozen=True)
class MachineStart:
    """Mean deviation of each machine's first readings, and when the first was.

    Attributes:
        name: how features and state name this fold.
        key: the record field that holds the machine.
        scale: how sensors become deviations from their operating regime.
        readings: how many readings, in order of arrival, are the start.
    """

    name: str
    key: str
    scale: Scale
    readings: int

    @property
    def values(self) -> tuple[str, ...]:
        """Settings and sensors are stored with each event."""
        return (self.scale.settings, self.scale.sensors)

    def start(self, lateness_ms: int) -> "StartFold":
        """No machine yet; gives `Start`."""
        return StartFold(self)


class StartFold:
    """Folds the first readings of each machine; what follows reads them.

    Only those first readings are kept, for good: about 200 bytes a reading of 24 numbers in the
    state, so 2 kB a machine for a start of ten.
    """

    keep_ms = None

    def __init__(self, declared: MachineStart) -> None:
        self._declared = declared
        self._slots = KeyIndex()
        self._count = np.zeros(_FIRST_CAPACITY, dtype=np.int64)
        self._time = np.zeros(_FIRST_CAPACITY, dtype=np.int64)
        self._total = np.zeros((_FIRST_CAPACITY, declared.scale.width), dtype=np.int64)

    def keeps(self, sequence: Ints) -> NDArray[np.bool_]:
        """Whether the reading of this sequence number belongs to the start, (n,)."""
        return sequence <= self._declared.readings

    def update(self, keys: Ints, times: Ints, values: Columns, newest: Ints) -> tuple[Ints, Start]:
        """Sequence numbers up to one behind the start, (n,), and the starts of a block."""
        slots = self._slots_of(keys)
        young = np.flatnonzero(self._count[slots] < self._declared.readings)
        total, count, time = self._total[slots], self._count[slots], self._time[slots]
        sequence = np.full(len(keys), self._declared.readings + 1)
        deviations = self._deviations(values, young)
        for row, place in enumerate(young.tolist()):
            slot = slots[place]
            if self._count[slot] < self._declared.readings:
                self._count[slot] += 1
                self._total[slot] += deviations[row]
                if self._count[slot] == 1:
                    self._time[slot] = times[place]
                sequence[place] = self._count[slot]
            total[place], count[place] = self._total[slot], self._count[slot]
            time[place] = self._time[slot]
        return sequence, Start(total / (count[:, None] * float(STEPS)), time)

    def load(self, keys: Ints, times: Ints, values: Columns, sequences: Ints) -> None:
        """Puts back the first readings in their order of arrival; n rows each."""
        self.update(keys, times, values, times)

    def forget(self, floor_ms: int) -> None:
        """Keeps everything: a machine has one start."""

    def _deviations(self, values: Columns, places: Ints) -> NDArray[np.int32]:
        scale = self._declared.scale
        return scale.deviations({field: values[field][places] for field in self._declared.values})

    def _slots_of(self, keys: Ints) -> Ints:
        slots = self._slots
        found = slots.places(keys)
        if len(slots) > len(self._count):
            more = max(len(slots), 2 * len(self._count)) - len(self._count)
            self._count = np.pad(self._count, (0, more))
            self._time = np.pad(self._time, (0, more))
            self._total = np.pad(self._total, ((0, more), (0, 0)))
        return found
