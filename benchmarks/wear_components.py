"""How the weights of wear, speed and contrast were found: `… -m benchmarks.wear_components DATA`.

Prints the table of `udfs/use_cases/maintenance_wear.py` from the training engines of C-MAPSS under
DATA: in each regime 14 weights and a shift for wear, then as many for speed and for contrast.

Sensors are taken for sums of two hidden components, of amounts that are each regime's own, and of
noise (a factor analysis a regime, with the same components in all). Given the components, least
squares tell the amounts and what is left the noise; given those, generalised least squares tell
the components from a single reading, and a mean over time makes them smooth. That is repeated a
few times. No life is used until the two axes are turned, and for the contrast: the wear that some
of the sensors tell less the wear that the others tell.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from millrace.sources.cmapss import find_subsets, training_engines
from udfs.features.regimes import STEPS
from udfs.use_cases.maintenance_regimes import CHOSEN, ENGINES
from udfs.use_cases.maintenance_wear import PRESSURES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_COMPONENTS = 2
_ROUNDS = 4
_EACH_SIDE = 15
_LATER_EACH_SIDE = 5
_LAST_CYCLES, _HEALTHY_CYCLES = 5, 150
_DIGITS = 4


@dataclass(frozen=True)
class Lives:
    """n readings of machines that ran to failure, each machine's side by side in time.

    Attributes:
        deviations: of s sensors from their regime, in spreads, (n, s).
        regime: of each reading, int64 (n,).
        machine: of each reading, int64 (n,).
        left: cycles to the failure, (n,).
    """

    deviations: Floats
    regime: Ints
    machine: Ints
    left: Floats


def components(lives: Lives) -> tuple[Floats, Floats]:
    """Weights (r, 2, s) and shifts (r, 2) of wear and speed.

    Wear is the direction in which failing machines differ least, 0 in a healthy machine and 1 at
    the end; speed stands at right angles to it, in the same unit.
    """
    offsets, weights = _untold(lives)
    made = np.einsum("ncs,ns->nc", weights[lives.regime], lives.deviations - offsets[lives.regime])
    smooth = smoothed(made, lives.machine, _LATER_EACH_SIDE)
    last, healthy = smooth[lives.left <= _LAST_CYCLES], smooth[lives.left > _HEALTHY_CYCLES]
    wear = np.linalg.eigh(np.cov(last.T))[1][:, 0]
    wear = wear * np.sign(last.mean(axis=0) @ wear)
    axes = np.stack([wear, [-wear[1], wear[0]]])
    zero, one = np.median(healthy @ axes.T, axis=0), float(np.median(last @ wear))
    turned = np.einsum("kc,rcs->rks", axes, weights) / (one - zero[0])
    shifts = -np.einsum("rks,rs->rk", turned, offsets) - zero / (one - zero[0])
    return turned, shifts


def contrast(lives: Lives, wear: Floats, others: Sequence[int]) -> tuple[Floats, Floats]:
    """Weights (r, s) and shifts (r,) of the wear by most sensors less the wear by the others.

    It is 0 in a healthy machine as in one that fails like those of `lives`, and 1 at the end of
    one whose other sensors stay as they were.

    Args:
        lives: machines.
        wear: weights of wear, (r, s).
        others: places of the others among the s sensors.
    """
    apart = np.isin(np.arange(wear.shape[1]), others)
    weights, shifts = np.zeros_like(wear), np.zeros(len(wear))
    for regime in np.unique(lives.regime).tolist():
        of = lives.regime == regime
        last = lives.deviations[of & (lives.left <= _LAST_CYCLES)].mean(axis=0)
        healthy = lives.deviations[of & (lives.left > _HEALTHY_CYCLES)].mean(axis=0)
        shown = wear[regime] * (last - healthy)
        share = np.where(apart, -shown[apart].sum(), shown[~apart].sum())
        weights[regime] = wear[regime] / share
        shifts[regime] = -weights[regime] @ healthy
    return weights, shifts


def smoothed(values: Floats, machine: Ints, each_side: int) -> Floats:
    """Means (n, c) of values (n, c) over a machine's readings up to so many before and after."""
    first = np.flatnonzero(np.diff(machine, prepend=machine[0] - 1))
    length = np.diff(np.append(first, len(machine)))
    begin, place = np.repeat(first, length), np.arange(len(machine))
    low = np.maximum(place - each_side, begin)
    high = np.minimum(place + each_side + 1, begin + np.repeat(length, length))
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    means: Floats = (total[high] - total[low]) / (high - low)[:, None]
    return means


def _untold(lives: Lives) -> tuple[Floats, Floats]:
    """Offsets (r, s) and weights (r, 2, s) of components whose axes mean nothing yet."""
    smooth = smoothed(lives.deviations, lives.machine, _EACH_SIDE)
    directions = np.linalg.svd(smooth - smooth.mean(axis=0), full_matrices=False)[2]
    hidden = _whitened(smooth @ directions[:_COMPONENTS].T)
    offsets, weights = _regressed(lives, hidden)
    for _ in range(_ROUNDS - 1):
        away = lives.deviations - offsets[lives.regime]
        told = np.einsum("ncs,ns->nc", weights[lives.regime], away)
        hidden = _whitened(smoothed(told, lives.machine, _EACH_SIDE))
        offsets, weights = _regressed(lives, hidden)
    return offsets, weights


def _regressed(lives: Lives, hidden: Floats) -> tuple[Floats, Floats]:
    """Offsets (r, s), and the weights (r, 2, s) by which a reading tells the components (n, 2)."""
    offsets, weights = [], []
    for regime in range(len(ENGINES.centres)):
        of = lives.regime == regime
        known = np.column_stack([np.ones(of.sum()), hidden[of]])
        found = np.linalg.lstsq(known, lives.deviations[of], rcond=None)[0]
        noise = np.cov((lives.deviations[of] - known @ found).T)
        weighed = np.linalg.solve(noise, found[1:].T).T
        offsets.append(found[0])
        weights.append(np.linalg.solve(weighed @ found[1:].T, weighed))
    return np.array(offsets), np.array(weights)


def _whitened(values: Floats) -> Floats:
    """The same plane (n, 2) with means of 0, variances of 1 and no correlation."""
    root = np.linalg.cholesky(np.cov(values.T))
    white: Floats = np.linalg.solve(root, (values - values.mean(axis=0)).T).T
    return white


def _engines(path: Path) -> Lives:
    """All training engines of all subsets."""
    made = [each for subset in find_subsets(path) for each in training_engines(subset)]
    columns = {
        "settings": np.array([reading.settings for reading, _ in made]),
        "sensors": np.array([reading.sensors for reading, _ in made]),
    }
    return Lives(
        ENGINES.deviations(columns) / STEPS,
        ENGINES.regimes(columns["settings"]),
        np.array([reading.unit_id for reading, _ in made]),
        np.array([left for _, left in made]),
    )


def main(argv: Sequence[str]) -> int:
    """Prints the table."""
    engines = _engines(Path(argv[0]))
    weights, shifts = components(engines)
    others = [CHOSEN.index(place) for place in PRESSURES]
    more, its_shifts = contrast(engines, weights[:, 0], others)
    weights = np.concatenate([weights, more[:, None]], axis=1)
    shifts = np.concatenate([shifts, its_shifts[:, None]], axis=1)
    rows = np.concatenate([weights, shifts[:, :, None]], axis=2)
    for row in rows.reshape(-1, rows.shape[2]):
        print(" ".join(f"{number:.{_DIGITS}f}" for number in row))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
