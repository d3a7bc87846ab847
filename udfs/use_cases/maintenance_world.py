"""A fleet of machines that wear out: readings of many sensors in several operating regimes.

A machine is new, runs through some hundred cycles in changing regimes, and fails; another takes
its place. Wear grows with a power of the share of life that is gone, so that a machine looks
healthy for most of it. Each machine starts a little off the regime's normal, wears by own
amounts a sensor, and its sensors are noisy. The orders of magnitude are those of C-MAPSS.

A label is the remaining useful life: the cycles to the last one, which is 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count as count_from

import numpy as np
from numpy.typing import NDArray

from udfs.use_cases.maintenance_records import CYCLE_MS, Reading
from udfs.use_cases.maintenance_regimes import CENTRES, CHOSEN, MEANS, SPREADS, WEAR

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_SHORTEST, _LONGEST = 120, 360
_MEAN_LOG_LIFE, _SPREAD_LOG_LIFE = 5.3, 0.25
_LOWEST_POWER, _HIGHEST_POWER = 2.0, 4.0
_OFFSET, _NOISE, _GAIN_SPREAD = 0.3, 0.6, 0.15
_SETTING_NOISE = (0.002, 0.0003, 0.0)
_IDS_PER_MS = 100
_BLOCK = 4_096
_HISTORY, _LIVE, _BEFORE = range(3)


@dataclass(frozen=True)
class Lives:
    """n machines from new to failed.

    Attributes:
        cycles: the last cycle, int64 (n,).
        power: how late wear shows, (n,).
        offset: deviation of each chosen sensor of the new machine, in spreads, (n, s).
        gain: deviation that wear has added at the end, in spreads, (n, s).
    """

    cycles: Ints
    power: Floats
    offset: Floats
    gain: Floats

    @classmethod
    def drawn(cls, rng: np.random.Generator, n: int) -> "Lives":
        """So many machines."""
        cycles = np.exp(rng.normal(_MEAN_LOG_LIFE, _SPREAD_LOG_LIFE, n)).astype(np.int64)
        gain = np.array(WEAR) * rng.normal(1.0, _GAIN_SPREAD, (n, len(WEAR)))
        return cls(
            np.clip(cycles, _SHORTEST, _LONGEST),
            rng.uniform(_LOWEST_POWER, _HIGHEST_POWER, n),
            rng.normal(0.0, _OFFSET, (n, len(WEAR))),
            gain,
        )

    def replace(self, places: Ints, other: "Lives") -> None:
        """Puts other machines in the places of these."""
        for name in ("cycles", "power", "offset", "gain"):
            getattr(self, name)[places] = getattr(other, name)

    def readings(
        self, rng: np.random.Generator, machine: Ints, cycle: Ints
    ) -> tuple[Floats, Floats]:
        """Settings (k, 3) and sensors (k, 21) of these machines in these cycles, (k,) each."""
        regime = rng.integers(0, len(CENTRES), len(machine))
        settings = np.array(CENTRES)[regime]
        settings = settings + rng.normal(size=settings.shape) * np.array(_SETTING_NOISE)
        wear = (cycle / self.cycles[machine]) ** self.power[machine]
        deviation = self.offset[machine] + wear[:, None] * self.gain[machine]
        deviation += rng.normal(0.0, _NOISE, deviation.shape)
        sensors = np.array(MEANS)[regime]
        sensors[:, CHOSEN] += deviation * np.array(SPREADS)[regime][:, CHOSEN]
        return np.round(settings, 4), np.round(sensors, 4)


def generate(seed: int, start_ms: int, count: int, span_ms: int) -> Iterator[tuple[Reading, float]]:
    """`count` readings with their remaining lives in event-time order, spread over the span.

    Machines start at any time of the span and are read every two seconds until they fail; the
    last one's readings end with the count. Spans shorter than a life have shorter cycles.

    >>> sum(1 for _ in generate(seed=1, start_ms=0, count=1_000, span_ms=3_600_000))
    1000
    """
    if count < 0 or span_ms <= 0 or start_ms < 0:
        raise ValueError("a history needs start and count of at least 0 and a positive span")
    rng = np.random.default_rng([_HISTORY, seed, start_ms // 1000])
    lives = Lives.drawn(rng, count // _SHORTEST + 1)
    machine = np.repeat(np.arange(len(lives.cycles)), lives.cycles)[:count]
    ends = np.cumsum(lives.cycles)
    cycle = np.arange(count) - (ends - lives.cycles)[machine] + 1
    step = min(float(CYCLE_MS), span_ms / (_LONGEST + 1))
    begins = rng.random(len(lives.cycles)) * (span_ms - lives.cycles * step)
    times = start_ms + (begins[machine] + (cycle - 1) * step).astype(np.int64)
    order = np.argsort(times, kind="stable")
    for first in range(0, count, _BLOCK):
        rows = order[first : first + _BLOCK]
        yield from _records(
            rng,
            lives,
            machine[rows],
            cycle[rows],
            units=_IDS_PER_MS * start_ms + machine[rows],
            times=times[rows],
            ids=_IDS_PER_MS * start_ms + np.arange(first, first + len(rows)),
        )


def live(seed: int, start_ms: int, rate: float) -> Iterator[tuple[Reading, float]]:
    """Readings without end from `start_ms` on, `rate` a second, with their remaining lives.

    There are as many machines as give the rate when each is read every two seconds; they are of
    any age at first. What they did until then is `before`'s: without it a worn machine looks as
    if it had started worn.
    """
    rng, lives, cycle = _fleet(seed, start_ms, rate)
    machines = len(cycle)
    place = np.arange(machines)
    unit, next_unit = place + _IDS_PER_MS * start_ms, machines + _IDS_PER_MS * start_ms
    for turn in count_from():
        times = start_ms + ((turn * machines + place) * (1000 / rate)).astype(np.int64)
        ids = _IDS_PER_MS * start_ms + turn * machines + place
        yield from _records(rng, lives, place, cycle, units=unit, times=times, ids=ids)
        cycle = cycle + 1
        failed = np.flatnonzero(cycle > lives.cycles)
        lives.replace(failed, Lives.drawn(rng, len(failed)))
        cycle[failed], unit[failed] = 1, next_unit + np.arange(len(failed))
        next_unit += len(failed)


def before(seed: int, start_ms: int, rate: float) -> Iterator[tuple[Reading, float]]:
    """The readings, with remaining lives, of the machines of `live` from new to `start_ms`.

    >>> first = next(live(seed=1, start_ms=900_000, rate=0.5))[0]
    >>> earlier = [reading.cycle for reading, _ in before(seed=1, start_ms=900_000, rate=0.5)]
    >>> earlier == list(range(1, first.cycle))
    True
    """
    _, lives, age = _fleet(seed, start_ms, rate)
    rng = np.random.default_rng([_BEFORE, seed, start_ms // 1000])
    machines = len(age)
    for turn in range(1 - int(age.max()), 0):
        place = np.flatnonzero(age + turn > 0)
        number = turn * machines + place
        yield from _records(
            rng,
            lives,
            place,
            age[place] + turn,
            units=place + _IDS_PER_MS * start_ms,
            times=start_ms + (number * (1000 / rate)).astype(np.int64),
            ids=_IDS_PER_MS * start_ms + number,
        )


def _fleet(seed: int, start_ms: int, rate: float) -> tuple[np.random.Generator, Lives, Ints]:
    """Chance, machines and their cycles, int64 (n,), at the start of live traffic."""
    rng = np.random.default_rng([_LIVE, seed, start_ms // 1000])
    lives = Lives.drawn(rng, max(round(rate * CYCLE_MS / 1000), 1))
    return rng, lives, (rng.random(len(lives.cycles)) * lives.cycles).astype(np.int64) + 1


def _records(
    rng: np.random.Generator,
    lives: Lives,
    machine: Ints,
    cycle: Ints,
    *,
    units: Ints,
    times: Ints,
    ids: Ints,
) -> Iterator[tuple[Reading, float]]:
    settings, sensors = lives.readings(rng, machine, cycle)
    remaining = (lives.cycles[machine] - cycle).astype(np.float64)
    columns = (
        ids,
        units,
        cycle,
        times,
        settings,
        sensors,
    )
    readings = map(Reading, *(column.tolist() for column in columns))
    return zip(readings, remaining.tolist(), strict=True)
