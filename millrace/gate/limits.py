"""Thresholds of the gate."""

from dataclasses import asdict, dataclass

MEASURED_ROWS = (1, 256)
"""Rows of the calls whose latency is measured."""


@dataclass(frozen=True)
class Limits:
    """What a candidate may not pass.

    Attributes:
        max_loss: by which share of the champion's figure a measure may be worse.
        max_calibration_error: expected calibration error of scores, beside what chance explains;
            None: twice the share of the rarer label, at most 0.05.
        max_size_mib: of what a server loads.
        max_latency_ms: 99th percentile of a call of 256 rows.
        max_slowdown: median of a call of 256 rows, as a multiple of the champion's.
    """

    max_loss: float = 0.01
    max_calibration_error: float | None = None
    max_size_mib: float = 512.0
    max_latency_ms: float = 250.0
    max_slowdown: float = 3.0

    def figures(self) -> dict[str, float]:
        """Those that are set, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}
