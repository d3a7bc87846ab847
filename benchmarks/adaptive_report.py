"""What adaptive batching and fixed settings gave, and its table."""

from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from udfs.client.limits import Limits


@dataclass(frozen=True)
class Measured:
    """One setting under load.

    Attributes:
        limits: rows a call and calls in flight, at the end.
        rows_s: rows a second.
        p95_ms: latency of calls.
    """

    limits: Limits
    rows_s: float
    p95_ms: float


@dataclass(frozen=True)
class Result:
    """What a model cost gave.

    Attributes:
        fixed: the grid.
        best: turns of the best fixed setting within the objective.
        adaptive: turns of the search.
        whole: one call a block, without limits.
    """

    fixed: list[Measured]
    best: list[Measured]
    adaptive: list[Measured]
    whole: Measured

    @property
    def ratio(self) -> float:
        """Rate of the search beside the best fixed setting's, medians of the turns."""
        return median(m.rows_s for m in self.adaptive) / median(m.rows_s for m in self.best)

    def as_json(self) -> dict[str, Any]:
        """For the last line."""
        parts = {"fixed": self.fixed, "best_fixed": self.best, "adaptive": self.adaptive}
        turns = {name: [asdict(m) for m in each] for name, each in parts.items()}
        return {"ratio": round(self.ratio, 3), **turns, "whole_blocks": asdict(self.whole)}


def show(results: dict[str, Result], console: Console, objective_ms: float) -> None:
    """Prints the table."""
    table = Table(title=f"Adaptive batching, p95 of calls within {objective_ms:g} ms")
    for heading in ("model", "setting", "rows a call", "calls", "rows/s", "p95 ms", "of best"):
        table.add_column(heading, justify="left" if heading in {"model", "setting"} else "right")
    for cost, result in results.items():
        settings = {"best fixed": result.best, "adaptive": result.adaptive}
        settings["a call a block"] = [result.whole]
        best = median(m.rows_s for m in result.best)
        for setting, turns in settings.items():
            rate, p95 = median(m.rows_s for m in turns), median(m.p95_ms for m in turns)
            at, last = turns[-1].limits, setting == "a call a block"
            cells = [f"{at.rows:,}", f"{at.calls}", f"{rate:,.0f}", f"{p95:.1f}"]
            table.add_row(cost, setting, *cells, f"{rate / best:.2f}", end_section=last)
    console.print(table)
