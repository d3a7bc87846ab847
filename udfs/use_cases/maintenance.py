"""Maintenance: how many cycles does this machine have left?

A machine is read in every cycle: three settings and 21 sensors, as in C-MAPSS. From each sensor
goes what is normal in the operating regime that the settings tell; what is left of all of them
becomes three numbers, wear, speed and contrast. Those are averaged over windows of four lengths,
with slopes over the longer two, and compared with the machine's own start. The label is the
remaining useful life in cycles, which a failure tells of all readings of the machine before it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.features.beginnings import MachineStart, Start
from udfs.features.sensors import SensorValues, SensorWindows
from udfs.features.spec import FeatureSpec
from udfs.use_cases.contract import Columns, Features, Measure, ModelSignature, Output, UseCase
from udfs.use_cases.maintenance_records import CYCLE_MS, Failure, Reading
from udfs.use_cases.maintenance_wear import COMPONENTS, ENGINE_WEAR
from udfs.use_cases.maintenance_world import before, generate, live

__all__ = ["MAINTENANCE", "REMAINING_LIFE", "SPEC", "assemble", "back_labelled", "rule"]

LONGEST_LIFE = 125.0
"""Predictions end here: earlier in its life a machine shows nothing of its end."""

_WINDOW_CYCLES = (5, 15, 30, 60)
_LONG_CYCLES = _WINDOW_CYCLES[2:]
"""Windows that are long enough for a slope, and for a drift from the machine's start."""

_SPREAD_CYCLES = 30
_START_READINGS = 10
_HEALTH_WINDOW = 15
_WORN_OUT = 1.1
"""Wear at which a machine has failed, by the rule."""
_CONTRAST_SHARE = 0.4
"""What pressures have in wear: with so much of the contrast it is that of the other sensors."""

WINDOWS = SensorWindows(
    name="windows",
    key="unit_id",
    scale=ENGINE_WEAR,
    windows_ms=tuple(cycles * CYCLE_MS for cycles in _WINDOW_CYCLES),
)

START = MachineStart(name="start", key="unit_id", scale=ENGINE_WEAR, readings=_START_READINGS)

REMAINING_LIFE = Output("remaining_life", "output", limits=(0.0, LONGEST_LIFE))
"""Cycles left until the machine fails, up to 125."""


def _each(kind: str) -> tuple[str, ...]:
    return tuple(f"{component}_{kind}" for component in COMPONENTS)


SPEC = FeatureSpec(
    names=(
        "cycle",
        "regime",
        *(name for cycles in _WINDOW_CYCLES for name in _each(f"mean_{cycles}")),
        *(name for cycles in _LONG_CYCLES for name in _each(f"slope_{cycles}")),
        *_each(f"spread_{_SPREAD_CYCLES}"),
        *(name for cycles in _LONG_CYCLES for name in _each(f"drift_{cycles}")),
    ),
    folds=(START, WINDOWS),
)


def assemble(columns: Columns, folded: Mapping[str, Any]) -> Features:
    """The feature rows of a block, (n, 29): wear, speed and contrast, 1 being the wear of failure.

    A drift is the mean of a long window less that of the machine's first ten readings.
    """
    windows: SensorValues = folded[WINDOWS.name]
    start: Start = folded[START.name]
    n = len(windows.regime)
    long = slice(-len(_LONG_CYCLES), None)
    drifts = windows.mean[:, long] - start.mean[:, None]
    return np.column_stack(
        [
            columns["cycle"],
            windows.regime,
            windows.mean.reshape(n, len(_WINDOW_CYCLES) * len(COMPONENTS)),
            windows.slope[:, long].reshape(n, len(_LONG_CYCLES) * len(COMPONENTS)),
            windows.spread[:, _WINDOW_CYCLES.index(_SPREAD_CYCLES)],
            drifts.reshape(n, len(_LONG_CYCLES) * len(COMPONENTS)),
        ]
    )


def rule(features: Features) -> tuple[NDArray[np.float32]]:
    """Remaining lives (n,) without a model: 125 cycles less the share of wear that shows.

    Wear is told by temperatures and speeds alone: pressures depend on how the machine fails.
    """
    wear, contrast = (
        features[:, SPEC.names.index(f"{name}_mean_{_HEALTH_WINDOW}")]
        for name in ("wear", "contrast")
    )
    wear = wear + _CONTRAST_SHARE * contrast
    left = LONGEST_LIFE * np.clip(1.0 - wear / _WORN_OUT, 0.0, 1.0)
    return (left.astype(np.float32),)


def back_labelled(
    readings: Iterable[Reading], failures: Iterable[Failure]
) -> Iterator[tuple[Reading, float]]:
    """The readings of machines that failed, each with the cycles it had left.

    A reading after the failure, or of a machine that still runs, has no label and does not come.

    >>> worn = Failure(unit_id=7, cycle=9, event_time_ms=0)
    >>> readings = [Reading(1, 7, 4, 0, [0.0] * 3, [0.0] * 21)]
    >>> [left for _, left in back_labelled(readings, [worn])]
    [5.0]
    """
    ends = {failure.unit_id: failure.cycle for failure in failures}
    for reading in readings:
        left = ends.get(reading.unit_id, -1) - reading.cycle
        if left >= 0:
            yield reading, float(left)


MAINTENANCE = UseCase(
    name="maintenance",
    record_type=Reading,
    business_id="reading_id",
    entity_key="unit_id",
    event_time="event_time_ms",
    columns=("cycle",),
    spec=SPEC,
    assemble=assemble,
    model=ModelSignature(model_name="maintenance", outputs=(REMAINING_LIFE,)),
    rule=rule,
    label_delay=timedelta(0),
    allowed_lateness=timedelta(seconds=10),
    generate=generate,
    live=live,
    before=before,
    label_dtype="float32",
    fit="training.models.remaining_life:fit",
    evaluate="training.evaluate_life:remaining_life",
    measures=(Measure("rmse_capped", higher_is_better=False),),
    report="training.report.life:sections",
    whole_entities=True,
)
