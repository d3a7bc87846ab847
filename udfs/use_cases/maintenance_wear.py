"""Wear, speed and contrast of turbofan engines, from 14 sensors in each operating regime.

Two numbers tell nearly all that a reading of an engine of FD001 or FD002 tells of its wear: one
that is 0 in a healthy engine and 1 in one that fails, and what the speeds of the shafts show
beside it, in which failing engines differ. The third stays 0 there: the wear that temperatures
and speeds tell less the wear that pressures and flows tell. An engine that fails in another way,
as some of other subsets do, is seen by it. `benchmarks/wear_components.py` found the weights,
over all cycles of the training engines of FD001 and FD002.
"""

from udfs.features.components import RegimeComponents
from udfs.use_cases.maintenance_regimes import CENTRES, CHOSEN, ENGINES

COMPONENTS = ("wear", "speed", "contrast")
"""Names of the components, in their order."""

PRESSURES = (6, 11, 14, 19, 20)
"""Places of the sensors (7, 12, 15, 20, 21) whose wear `contrast` sets against that of the rest."""

_SHIFT = len(CHOSEN)
_ROW = _SHIFT + 1


def _rows(text: str) -> list[tuple[float, ...]]:
    """Weights and the shift of each component, a regime after the other."""
    numbers = [float(number) for number in text.split()]
    return [tuple(numbers[start : start + _ROW]) for start in range(0, len(numbers), _ROW)]


_TABLE = _rows(
    """
    0.0179 0.0135 0.0375 -0.0358 0.0337 0.0296 0.0541 -0.0466 0.0353 0.0039 0.0249 0.0161 -0.0218
    -0.0227 0.2657
    -0.003 -0.0007 -0.0053 0.0062 -0.0224 0.1316 -0.0084 0.0093 -0.0214 0.1845 -0.0019 -0.0006
    0.0024 0.0029 0.0303
    0.0291 0.0219 0.061 0.0857 0.0547 0.0481 0.0879 0.1116 0.0573 0.0064 -0.0597 0.0261 0.0523
    0.0543 -0.0022
    0.014 0.0115 0.0325 -0.0149 0.066 0.025 0.0491 -0.0194 0.0669 -0.0128 0.0234 0.014 -0.0135
    -0.0135 0.2649
    -0.0023 -0.0014 -0.008 0.0037 -0.0208 0.1281 -0.0144 0.0067 -0.0199 0.1904 -0.0038 -0.0029
    0.0044 0.0021 0.0101
    0.0185 0.0152 0.0429 0.0692 0.0872 0.033 0.0649 0.0901 0.0884 -0.0169 -0.1083 0.0185 0.0624
    0.0624 -0.0013
    0.0235 0.018 0.04 -0.0213 0.0643 -0.0117 0.0641 -0.0296 0.0636 -0.069 0.041 0.0214 -0.0153
    -0.0152 0.2622
    -0.0104 -0.0066 -0.0198 0.0116 0.0211 0.107 -0.0312 0.0149 0.0237 0.1753 -0.0193 -0.0088
    0.0063 0.0063 0.0047
    0.0343 0.0264 0.0584 0.0702 0.094 -0.0171 0.0938 0.0976 0.093 -0.1009 -0.1351 0.0313 0.0505
    0.05 -0.0104
    0.0177 0.0255 0.0567 -0.0128 -0.0285 0.0453 0.0951 -0.0123 -0.0281 0.0136 0.1027 0.0305 -0.014
    -0.0128 0.2666
    -0.0043 -0.0067 -0.0147 0.0035 0.1291 0.0099 -0.0247 0.0029 0.1454 0.0317 -0.0248 -0.0082
    0.0042 0.0037 0.0066
    0.0296 0.0427 0.0949 0.0347 -0.0477 0.0758 0.1592 0.0335 -0.047 0.0227 -0.2791 0.0511 0.038
    0.0347 -0.0014
    0.0329 0.0282 0.0632 -0.017 -0.0034 0.0388 0.096 -0.0193 0.0035 -0.0247 0.0659 0.0304 -0.0137
    -0.012 0.2637
    -0.0083 -0.0078 -0.0174 0.0045 0.1245 0.0135 -0.0262 0.006 0.1308 0.0411 -0.0195 -0.0084
    0.0038 0.0031 0.0101
    0.0472 0.0404 0.0905 0.0601 -0.0049 0.0556 0.1377 0.068 0.005 -0.0354 -0.2326 0.0436 0.0484
    0.0424 -0.0075
    0.0315 0.0264 0.0602 -0.0095 -0.0515 0.0846 0.1033 -0.0126 -0.0674 0.0564 0.0607 0.0313
    -0.0087 -0.0076 0.2636
    -0.0038 -0.0037 -0.0075 0.0016 0.1243 0.0107 -0.013 0.0022 0.1464 0.0267 -0.009 -0.0038 0.0008
    0.0012 0.007
    0.0401 0.0337 0.0766 0.0481 -0.0656 0.1077 0.1315 0.0639 -0.0858 0.0718 -0.3082 0.0399 0.0441
    0.0388 -0.005
    """
)


def _of(regime: int) -> list[tuple[float, ...]]:
    return _TABLE[regime * len(COMPONENTS) : (regime + 1) * len(COMPONENTS)]


ENGINE_WEAR = RegimeComponents(
    scale=ENGINES,
    weights=tuple(tuple(row[:_SHIFT] for row in _of(regime)) for regime in range(len(CENTRES))),
    shifts=tuple(tuple(row[_SHIFT] for row in _of(regime)) for regime in range(len(CENTRES))),
)
