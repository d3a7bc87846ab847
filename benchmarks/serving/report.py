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
class ServingReport:
    """Figures by rows a call and callers.

    Attributes:
        direct: calls a second and checksum of the session alone, by rows.
        served: the server's figures.
        batched: those of the server with batching.
    """

    direct: Mapping[str, Mapping[str, float]]
    served: Sequence[Mapping[str, Any]]
    batched: Sequence[Mapping[str, Any]]

    def _calls(self, rows: int, callers: int, *, batched: bool = False) -> float:
        cells = self.batched if batched else self.served
        return next(
            float(cell["calls"])
            for cell in cells
            if (cell["rows"], cell["callers"]) == (rows, callers)
        )

    def _best_rows(self, rows: int) -> float:
        return max(float(cell["calls"]) * rows for cell in self.served if cell["rows"] == rows)

    def answers_agree(self) -> bool:
        """Whether every server answered what the session does."""
        return all(
            abs(cell["checksum"] - self.direct[str(cell["rows"])]["checksum"]) < _TOLERANCE
            for cell in (*self.served, *self.batched)
        )

    def bars(self) -> list[Bar]:
        """The bars of the issue."""
        direct = self.direct["1024"]["calls"] * 1024
        one = self._calls(1, 1)
        many = self._calls(1, _MANY, batched=True)
        return [
            Bar("served / direct at 1,024 rows", self._best_rows(1024) / direct, 0.7, True),
            Bar("calls/s, one row, one caller", one, 2000.0, True),
            Bar("batched calls/s, 64 callers / one caller", many / one, 5.0, True),
        ]

    def as_json(self) -> dict[str, Any]:
        """The object of the last line; rates are rows or calls a second."""
        direct = {
            f"direct_rows_{rows}": round(found["calls"] * int(rows))
            for rows, found in self.direct.items()
        }
        return {
            **direct,
            "served_rows_1024": round(self._best_rows(1024)),
            "calls_1": round(self._calls(1, 1)),
            "calls_1_batched_64": round(self._calls(1, _MANY, batched=True)),
            "calls_1_unbatched_64": round(self._calls(1, _MANY)),
            "served": [_rounded(cell) for cell in self.served],
            "batched": [_rounded(cell) for cell in self.batched],
            "answers_agree": self.answers_agree(),
            "bars": [{**asdict(bar), "met": bar.met} for bar in self.bars()],
        }

    def show(self, console: Console) -> None:
        """Prints the table and the bars for people."""
        table = Table(title="Model server and client on a core each")
        for heading in _HEADINGS:
            table.add_column(heading, justify="left" if heading == "calls" else "right")
        for rows, found in self.direct.items():
            calls = found["calls"]
            rates = (f"{calls:,.0f}", f"{calls * int(rows):,.0f}", f"{1e3 / calls:.3f}")
            table.add_row("session, direct", "1", f"{int(rows):,}", *rates, "", "")
        for name, cells in (("served", self.served), ("served, batching", self.batched)):
            for cell in cells:
                table.add_row(name, *_texts(cell))
        console.print(table)
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
