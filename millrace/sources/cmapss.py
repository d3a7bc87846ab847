"""Reads NASA's C-MAPSS turbofan engines from a folder the user brings.

A subset such as FD001 has `train_FD001.txt` (engines run to failure), `test_FD001.txt` (engines
whose readings end earlier) and `RUL_FD001.txt` (what each of those had left), each plain or with
`.gz`: 26 columns without a header, engine, cycle, three settings and 21 sensors.

Cycles become event times, two seconds apart; the engines run one after another, one starts every
six hours. Engine 7 of FD002 is unit 2007.
"""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from udfs.errors import ConfigurationError, DataError
from udfs.use_cases.maintenance import back_labelled
from udfs.use_cases.maintenance_records import CYCLE_MS, SENSORS, SETTINGS, Failure, Reading

FOLDER = "cmapss"
_FIRST_START_MS = 1_222_819_200_000  # 2008-10-01, the month of the PHM conference
_BETWEEN_STARTS_MS = 6 * 3_600_000
_UNITS_A_SUBSET, _CYCLES_A_UNIT = 1_000, 10_000
_NAME = re.compile(r"train_(?P<subset>[A-Za-z]+(?P<number>\d+))\.txt(\.gz)?")


@dataclass(frozen=True)
class Subset:
    """Where the files of one subset lie.

    Attributes:
        name: such as `FD001`.
        number: the number in its name.
        folder: with the files.
    """

    name: str
    number: int
    folder: Path

    def file(self, kind: str) -> Path:
        """The file of a kind: `train`, `test` or `RUL`.

        Raises:
            ConfigurationError: there is none.
        """
        plain = self.folder / f"{kind}_{self.name}.txt"
        for file in (plain.with_name(f"{plain.name}.gz"), plain):
            if file.is_file():
                return file
        raise ConfigurationError(f"no {plain.name} or {plain.name}.gz in {self.folder}")


def find_subsets(path: Path) -> list[Subset]:
    """The subsets with a training file in `path`, or in `cmapss` in it, by name.

    Raises:
        ConfigurationError: neither holds a `train_FD….txt`, plain or with `.gz`.
    """
    for folder in (path, path / FOLDER):
        files = sorted(folder.glob("train_*.txt*")) if folder.is_dir() else []
        found = {
            match["subset"]: Subset(match["subset"], int(match["number"]), folder)
            for file in files
            if (match := _NAME.fullmatch(file.name))
        }
        if found:
            return list(found.values())
    raise ConfigurationError(f"no train_FD001.txt.gz or the like in {path} or {path / FOLDER}")


def readings(path: Path) -> Iterator[Reading]:
    """The readings of all training engines, in event-time order.

    Raises:
        ConfigurationError: the folder lacks the files.
        DataError: a file is not what it should be.
    """
    return (reading for reading, _ in labelled(path))


def labelled(path: Path) -> Iterator[tuple[Reading, float]]:
    """The readings of all training engines, each with the cycles it had left.

    Raises:
        ConfigurationError: the folder lacks the files.
        DataError: a file is not what it should be.
    """
    before = 0
    for subset in find_subsets(path):
        engines = _read(subset.file("train"))
        yield from _run_to_failure(subset, engines, before)
        before += int(engines[:, 0].max())


def training_engines(subset: Subset) -> Iterator[tuple[Reading, float]]:
    """The readings of a subset's training engines, each with the cycles it had left.

    Raises:
        ConfigurationError: the file is missing.
        DataError: it is not what it should be.
    """
    return _run_to_failure(subset, _read(subset.file("train")), 0)


def test_engines(subset: Subset) -> Iterator[tuple[Reading, float]]:
    """The readings of a subset's test engines, each with the cycles it had left.

    Raises:
        ConfigurationError: a file is missing.
        DataError: a file is not what it should be.
    """
    engines = _read(subset.file("test"))
    left = _numbers(subset.file("RUL"), 1)[:, 0].astype(np.int64)
    units, last = _ends(engines)
    if len(left) != len(units):
        raise DataError(f"{subset.file('RUL')} has {len(left)} engines, the test {len(units)}")
    failures = [
        Failure(_unit(subset, unit), cycle + more, _time(unit, cycle + more, 0))
        for unit, cycle, more in zip(units, last, left.tolist(), strict=True)
    ]
    return back_labelled(_readings(subset, engines, 0), failures)


def _run_to_failure(
    subset: Subset, engines: NDArray[np.float64], before: int
) -> Iterator[tuple[Reading, float]]:
    units, last = _ends(engines)
    failures = [
        Failure(_unit(subset, unit), cycle, _time(unit, cycle, before))
        for unit, cycle in zip(units, last, strict=True)
    ]
    return back_labelled(_readings(subset, engines, before), failures)


def _readings(subset: Subset, engines: NDArray[np.float64], before: int) -> Iterator[Reading]:
    numbers = engines[:, :2].astype(np.int64).tolist()
    settings = engines[:, 2 : 2 + SETTINGS].tolist()
    sensors = engines[:, 2 + SETTINGS :].tolist()
    for (number, cycle), set_to, shown in zip(numbers, settings, sensors, strict=True):
        unit = _unit(subset, number)
        time = _time(number, cycle, before)
        yield Reading(_CYCLES_A_UNIT * unit + cycle, unit, cycle, time, set_to, shown)


def _unit(subset: Subset, number: int) -> int:
    return _UNITS_A_SUBSET * subset.number + number


def _time(number: int, cycle: int, before: int) -> int:
    return _FIRST_START_MS + (before + number) * _BETWEEN_STARTS_MS + cycle * CYCLE_MS


def _ends(engines: NDArray[np.float64]) -> tuple[list[int], list[int]]:
    """Engines in the order of the file, and the last cycle of each."""
    last = np.append(np.flatnonzero(np.diff(engines[:, 0])), len(engines) - 1)
    units, cycles = engines[last, :2].astype(np.int64).T
    return units.tolist(), cycles.tolist()


def _read(file: Path) -> NDArray[np.float64]:
    """Rows of engine, cycle, settings and sensors; engines and their cycles ascend."""
    rows = _numbers(file, 2 + SETTINGS + SENSORS)
    unit, cycle = np.diff(rows[:, 0]), np.diff(rows[:, 1])
    if np.any(unit < 0) or np.any((unit == 0) & (cycle != 1)) or np.any(rows[:, :2] < 1):
        raise DataError(f"{file} is not in the order of engines and their cycles, from 1 on")
    if rows[:, 0].max() >= _UNITS_A_SUBSET or rows[:, 1].max() >= _CYCLES_A_UNIT:
        raise DataError(f"{file} has more than 999 engines, or one of more than 9,999 cycles")
    return rows


def _numbers(file: Path, width: int) -> NDArray[np.float64]:
    try:
        with gzip.open(file, "rt") if file.suffix == ".gz" else file.open() as text:
            rows = np.loadtxt(text, ndmin=2)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"{file} cannot be read: {str(error).splitlines()[0]}") from error
    if rows.shape[1] != width or not len(rows) or not np.isfinite(rows).all():
        raise DataError(f"{file} does not hold rows of {width} numbers")
    return np.asarray(rows)
