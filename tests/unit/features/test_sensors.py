"""Windows over sensors: against plain arithmetic, in any cut into blocks, and after a restart."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.stores import DictStore
from udfs.features.beginnings import MachineStart, Start
from udfs.features.regimes import RegimeScale
from udfs.features.sensors import SensorValues, SensorWindows
from udfs.features.shard import ShardFolds
from udfs.features.spec import FeatureSpec
from udfs.features.values import Columns

LATENESS_MS = 40
WINDOWS_MS = (50, 200)
FIRST = 4
# Half a step of the fixed point, as far as a mean can be off.
TOLERANCE = 1 / 2048

SCALE = RegimeScale(
    settings="settings",
    sensors="sensors",
    chosen=(2, 0),
    ranges=(10.0, 1.0),
    centres=((0.0, 0.0), (10.0, 1.0)),
    means=((5.0, -1.0), (50.0, 3.0)),
    spreads=((2.0, 0.5), (4.0, 0.25)),
)
SPEC = FeatureSpec(
    ("any",),
    (
        MachineStart("start", "unit", SCALE, FIRST),
        SensorWindows("windows", "unit", SCALE, WINDOWS_MS),
    ),
)
TYPES = {"settings": np.dtype((np.float64, (2,))), "sensors": np.dtype((np.float64, (3,)))}


def readings(seed: int, count: int = 1_500, units: int = 6, disorder: int = 60) -> dict[str, Any]:
    draw = np.random.default_rng(seed)
    regime = draw.integers(0, 2, count)
    centres, means = np.array(SCALE.centres), np.array(SCALE.means)
    sensors = np.zeros((count, 3))
    sensors[:, SCALE.chosen] = means[regime] + draw.normal(size=(count, 2)) * 3
    return {
        "unit": draw.integers(0, units, count),
        "time": np.arange(count, dtype=np.int64) * 5 + draw.integers(0, disorder, count),
        "settings": centres[regime] + draw.normal(size=(count, 2)) * 0.05,
        "sensors": sensors,
    }


def part(columns: Columns, start: int, stop: int) -> dict[str, Any]:
    return {name: column[start:stop] for name, column in columns.items()}


def shard(store: DictStore) -> ShardFolds:
    return ShardFolds(SPEC, TYPES, "time", LATENESS_MS, store)


def folded(folds: ShardFolds, columns: Columns) -> NDArray[np.float64]:
    found = folds.update(columns, np.zeros(len(columns["time"]), np.int32))
    windows: SensorValues = found.windows["windows"]
    start: Start = found.windows["start"]
    n = len(columns["time"])
    parts = [windows.count, windows.mean, windows.spread, windows.slope, start.mean, start.time_ms]
    return np.column_stack([*(x.reshape(n, -1) for x in parts), windows.regime, found.sequence])


def deviations(columns: Columns) -> NDArray[np.float64]:
    """Without rounding, from the definition."""
    regime = (columns["settings"][:, 1] > 0.5).astype(int)
    chosen = columns["sensors"][:, SCALE.chosen]
    plain = (chosen - np.array(SCALE.means)[regime]) / np.array(SCALE.spreads)[regime]
    return np.asarray(plain)


def seen(columns: Columns, row: int, window_ms: int) -> NDArray[np.int64]:
    """Rows that arrived up to this one and lie in its window."""
    times = columns["time"][: row + 1]
    kept = times > times.max() - max(WINDOWS_MS) - LATENESS_MS
    age = times[row] - times
    inside = (
        (age >= 0) & (age < window_ms) & kept & (columns["unit"][: row + 1] == _unit(columns, row))
    )
    inside[row] = True
    return np.flatnonzero(inside)


def _unit(columns: Columns, row: int) -> int:
    return int(columns["unit"][row])


def oracle(columns: Columns, row: int) -> list[Any]:
    """Count, mean, spread and slope of each window by numpy's own functions."""
    values, counts, means, spreads, slopes = deviations(columns), [], [], [], []
    for window_ms in WINDOWS_MS:
        rows = seen(columns, row, window_ms)
        times = columns["time"][rows] / max(WINDOWS_MS)
        counts.append(len(rows))
        means.append(values[rows].mean(axis=0))
        spreads.append(values[rows].std(axis=0))
        several = len(set(times.tolist())) > 1
        slopes.append(np.polyfit(times, values[rows], 1)[0] if several else np.zeros(2))
    own = np.flatnonzero(columns["unit"][: row + 1] == _unit(columns, row))[:FIRST]
    start = values[own].mean(axis=0)
    flat = np.concatenate([np.ravel(x) for x in (means, spreads)])
    return [np.array(counts), flat, np.ravel(slopes), start, columns["time"][own[0]]]


@pytest.mark.parametrize("disorder", [1, 60, 500], ids=["in order", "late", "very late"])
def test_windows_and_starts_are_those_of_plain_arithmetic(disorder: int) -> None:
    columns = readings(seed=3, count=700, disorder=disorder)
    rows = folded(shard(DictStore()), columns)
    for row in range(0, 700, 3):
        counts, values, slopes, start, first_ms = oracle(columns, row)
        assert rows[row, :2].tolist() == counts.tolist()
        assert rows[row, 2:10] == pytest.approx(values, abs=2 * TOLERANCE)
        assert rows[row, 10:14] == pytest.approx(slopes, abs=0.05, rel=5e-3)
        assert rows[row, 14:16] == pytest.approx(start, abs=TOLERANCE)
        assert rows[row, 16] == first_ms


@pytest.mark.parametrize("size", [1, 7, 400, 1_500])
def test_blocks_of_any_size_give_the_same_bits(size: int) -> None:
    columns = readings(seed=5)
    whole = folded(shard(DictStore()), columns)
    folds = shard(DictStore())
    parts = [folded(folds, part(columns, at, at + size)) for at in range(0, 1_500, size)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


@pytest.mark.parametrize("cut", [1, 700, 1_499])
def test_a_restored_shard_goes_on_bit_for_bit(cut: int) -> None:
    columns = readings(seed=7)
    whole = folded(shard(DictStore()), columns)
    store = DictStore()
    folded(shard(store), part(columns, 0, cut))
    rest = folded(shard(store), part(columns, cut, 1_500))
    assert rest.tobytes() == whole[cut:].tobytes()


def test_a_start_is_kept_after_all_windows_have_passed_it() -> None:
    columns = readings(seed=9, count=4_000, units=2, disorder=1)
    store = DictStore()
    folds = shard(store)
    for at in range(0, 3_000, 100):
        folded(folds, part(columns, at, at + 100))
    row = folded(shard(store), part(columns, 3_000, 3_001))[0]
    assert row[14:16] == pytest.approx(oracle(columns, 3_000)[3], abs=TOLERANCE)
    assert row[16] == columns["time"][columns["unit"] == columns["unit"][3_000]][0]


def test_state_holds_the_starts_and_the_newest_readings_only() -> None:
    columns = readings(seed=9, count=60_000, units=300, disorder=1)
    store = DictStore()
    folds = shard(store)
    for at in range(0, 60_000, 1_000):
        folded(folds, part(columns, at, at + 1_000))
    start = b"".join(value for key, value in store.items() if key.startswith("start/"))
    assert len(start) == 300 * FIRST * (24 + 40)
    assert sum(map(len, store.values())) < 200_000


def test_after_silence_a_machine_counts_from_one_and_keeps_its_start() -> None:
    columns = readings(seed=11, count=20, units=1, disorder=1)
    folds = shard(DictStore())
    before = folded(folds, columns)
    later = part(columns, 19, 20)
    later["time"] = later["time"] + 10_000
    after = folded(folds, later)
    assert (before[-1, -1], after[0, -1], after[0, 0]) == (20, 1, 1)
    assert after[0, 14:17].tolist() == before[-1, 14:17].tolist()


@pytest.mark.parametrize("far", [1e9, -1e9])
def test_a_reading_far_off_is_clipped_and_stays_exact(far: float) -> None:
    columns = readings(seed=13, count=100, units=1, disorder=1)
    columns["sensors"][50] = far
    rows = folded(shard(DictStore()), columns)
    assert np.isfinite(rows).all()
    assert abs(rows[50, 3]) <= 512
