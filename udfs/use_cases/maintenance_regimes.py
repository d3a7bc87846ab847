"""Operating regimes of turbofan engines and how their sensors stand in each.

The six flight conditions are those of the C-MAPSS simulator (altitude in 1,000 ft, Mach number,
throttle angle). Means and standard deviations were computed over all cycles of the training
engines of FD001 and FD002; FD001 flies in the first regime only.
"""

from udfs.features.regimes import RegimeScale
from udfs.use_cases.maintenance_records import SENSORS

CHOSEN = (1, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 16, 19, 20)
"""Places of the sensors that tell of wear; the other seven stand still within a regime."""

CENTRES = (
    (0.0, 0.0, 100.0),
    (10.0, 0.25, 100.0),
    (20.0, 0.7, 100.0),
    (25.0, 0.62, 60.0),
    (35.0, 0.84, 100.0),
    (42.0, 0.84, 100.0),
)
"""Settings in the middle of each regime."""


def _table(text: str) -> tuple[tuple[float, ...], ...]:
    """Rows of one number a sensor, a row a regime."""
    numbers = [float(number) for number in text.split()]
    return tuple(
        tuple(numbers[start : start + SENSORS]) for start in range(0, len(numbers), SENSORS)
    )


MEANS = _table(
    """
    518.67 642.68 1590.49 1408.91 14.62 21.6098 553.366 2388.1 9064.57 1.3 47.5413 521.411
    2388.1 8143.17 8.44217 0.03 393.207 2388 100 38.8166 23.2898
    489.05 604.913 1502.01 1311.25 10.52 15.4933 394.325 2318.96 8785.44 1.26 45.4879 371.446
    2388.16 8135.13 8.66463 0.03 369.7 2319 100 28.5263 17.1158
    491.19 607.565 1485.59 1253.12 9.35 13.6566 334.497 2324.02 8729.77 1.07773 44.4482 314.873
    2388.15 8065.91 9.23269 0.0221423 365.385 2324 100 24.4542 14.6728
    462.54 536.865 1262.68 1050.32 7.05 9.02776 175.426 1915.42 8015.5 0.939921 36.8014 164.572
    2028.31 7878.46 10.914 0.02 307.348 1915 84.93 14.2628 8.55845
    449.44 555.799 1366.71 1131.53 5.48 8.0003 194.443 2223.04 8356.1 1.02039 41.9824 183.023
    2388.14 8072.2 9.3323 0.02 334.235 2223 100 14.8308 8.8979
    445 549.705 1354.46 1127.8 3.91 5.71584 138.63 2211.97 8327.89 1.02024 42.1488 130.55
    2388.05 8089.44 9.37505 0.02 331.067 2212 100 10.5864 6.35124
    """
)
"""Of the 21 sensors in each regime."""

SPREADS = _table(
    """
    6.7871e-11 0.498877 6.10079 8.98249 3.74811e-12 0.00136177 0.880308 0.0709745 21.3435
    9.9476e-14 0.266198 0.736737 0.0715967 18.4238 0.0373453 1.88495e-14 1.54108 0 0 0.179845
    0.10749
    7.02016e-11 0.474471 5.78979 8.45697 1.45661e-13 0.00469689 0.671406 0.0944938 18.2494
    0.000192462 0.252383 0.534487 0.0976072 16.0198 0.0381822 1.0443e-15 1.48913 0 0 0.144005
    0.0858075
    4.82601e-11 0.463078 5.78288 7.79325 8.70415e-14 0.00473455 0.60599 0.126386 17.2096
    0.00418837 0.23794 0.497362 0.129575 15.1248 0.038957 0.00410289 1.4662 0 0 0.135053
    0.0797613
    3.06386e-11 0.358106 5.28021 6.80847 9.21929e-13 0.00418082 0.447707 0.262273 14.099
    0.000883801 0.208474 0.343772 0.277397 13.0395 0.043208 1.00614e-15 1.2927 0 7.00595e-12
    0.112077 0.0661718
    4.74074e-11 0.439461 5.61532 7.40133 5.3646e-13 0.00169517 0.476366 0.278849 16.988
    0.0019376 0.229998 0.376062 0.299591 15.4341 0.0381588 1.04777e-15 1.40402 0 0 0.113175
    0.0671423
    0 0.432834 5.63329 7.63675 1.23412e-12 0.00492899 0.439109 0.299717 18.0137 0.00154431
    0.238784 0.34066 0.323302 16.4777 0.0375149 3.35496e-15 1.40867 0 0 0.107917 0.0644106
    """
)
"""Standard deviations of the 21 sensors in each regime."""


def _chosen(rows: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row[place] for place in CHOSEN) for row in rows)


ENGINES = RegimeScale(
    settings="settings",
    sensors="sensors",
    chosen=CHOSEN,
    ranges=(42.0, 0.84, 40.0),
    centres=CENTRES,
    means=_chosen(MEANS),
    spreads=_chosen(SPREADS),
)

WEAR = (2.4, 2.4, 2.8, -2.2, 2.0, 1.7, 2.9, -2.3, 2.0, 1.3, 2.7, 2.5, -2.1, -2.1)
"""Where the chosen sensors stand at the end of a life, in spreads from a healthy machine's."""
