"""What was measured of the model server, as a table and as one JSON object."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.bars import Bar

_MANY = 64
_TOLERANCE = 1e-6
_HEADINGS = ("calls", "callers", "rows a call", "calls/s", "rows/s", "p50 ms", "p99 ms", "CPU µs")


@dataclass(frozen=True)
class ModelFigures:
    """Figures of one model by rows a call and callers.

    Attributes:
        direct: calls a second and checksum of the session alone, by rows.
        served: the server's figures.
        batched: those of the server with batching.
    """

    direct: Mapping[str, Mapping[str, float]]
    served: Sequence[Mapping[str, Any]]
    batched: Sequence[Mapping[str, Any]]

    def calls(self, rows: int, callers: int, *, batched: bool = False) -> float:
        """Calls a second of one cell."""
        cells = self.batched if batched else self.served
        return next(
            float(cell["calls"])
            for cell in cells
            if (cell["rows"], cell["callers"]) == (rows, callers)
        )

    def best_rows(self, rows: int) -> float:
        """Rows a second by the concurrency that has most."""
        return max(float(cell["calls"]) * rows for cell in self.served if cell["rows"] == rows)

    def answers_agree(self) -> bool:
        """Whether every server answered what the session does."""
        return all(
            abs(cell["checksum"] - self.direct[str(cell["rows"])]["checksum"]) < _TOLERANCE
            for cell in (*self.served, *self.batched)
        )

    def call_bars(self, model: str) -> list[Bar]:
        """The bars on the rate of calls with one row."""
        one, many = self.calls(1, 1), self.calls(1, _MANY, batched=True)
        return [
            Bar(f"{model}: calls/s, one row, one caller", one, 2000.0, True),
            Bar(f"{model}: batched calls/s, 64 callers / one caller", many / one, 5.0, True),
        ]

    def as_json(self, suffix: str) -> dict[str, Any]:
        """Figures by name and suffix; rates are rows or calls a second."""
        figures: dict[str, Any] = {
            f"direct_rows_{rows}": round(found["calls"] * int(rows))
            for rows, found in self.direct.items()
        }
        figures |= {
            "served_rows_1024": round(self.best_rows(1024)),
            "calls_1": round(self.calls(1, 1)),
            "calls_1_batched_64": round(self.calls(1, _MANY, batched=True)),
            "calls_1_unbatched_64": round(self.calls(1, _MANY)),
            "served": [_rounded(cell) for cell in self.served],
            "batched": [_rounded(cell) for cell in self.batched],
        }
        return {f"{name}{suffix}": value for name, value in figures.items()}

    def table(self, title: str) -> Table:
        """The table for people."""
        table = Table(title=title)
        for heading in _HEADINGS:
            table.add_column(heading, justify="left" if heading == "calls" else "right")
        for rows, found in self.direct.items():
            calls = found["calls"]
            rates = (f"{calls:,.0f}", f"{calls * int(rows):,.0f}", f"{1e3 / calls:.3f}")
            table.add_row("session, direct", "1", f"{int(rows):,}", *rates, "", "")
        for name, cells in (("served", self.served), ("served, batching", self.batched)):
            for cell in cells:
                table.add_row(name, *_texts(cell))
        return table


@dataclass(frozen=True)
class ServingReport:
    """Both models.

    Attributes:
        trees: a model as Millrace trains and serves it for card fraud.
        network: a tiny network, which shows what a call costs besides the model.
    """

    trees: ModelFigures
    network: ModelFigures

    def answers_agree(self) -> bool:
        """Whether every server answered what its session does."""
        return self.trees.answers_agree() and self.network.answers_agree()

    def bars(self) -> list[Bar]:
        """The bars of the issue; the one on rows is that of the trees."""
        direct = self.trees.direct["1024"]["calls"] * 1024
        rows = self.trees.best_rows(1024) / direct
        return [
            Bar("trees: served / direct at 1,024 rows", rows, 0.7, True),
            *self.trees.call_bars("trees"),
            *self.network.call_bars("network"),
        ]

    def as_json(self) -> dict[str, Any]:
        """The object of the last line; what ends in `_network` is of the tiny network."""
        return {
            **self.trees.as_json(""),
            **self.network.as_json("_network"),
            "answers_agree": self.answers_agree(),
            "bars": [{**asdict(bar), "met": bar.met} for bar in self.bars()],
        }

    def show(self, console: Console) -> None:
        """Prints the tables and the bars for people."""
        where = "model server and client on a core each"
        console.print(self.trees.table(f"160 boosted trees of card fraud; {where}"))
        console.print(self.network.table(f"Network of 9-32-16-1; {where}"))
        for bar in self.bars():
            mark = "met" if bar.met else "missed"
            console.print(f"{bar.text}: {bar.measured:,.2f} (bar {bar.bound:,g}): {mark}")


def _rounded(cell: Mapping[str, Any]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in cell.items()}


def _texts(cell: Mapping[str, Any]) -> list[str]:
    rows, calls = cell["rows"], cell["calls"]
    return [
        f"{cell['callers']}",
        f"{rows:,}",
        f"{calls:,.0f}",
        f"{calls * rows:,.0f}",
        f"{cell['p50_ms']:.3f}",
        f"{cell['p99_ms']:.3f}",
        f"{cell['server_us']:.0f}",
    ]
