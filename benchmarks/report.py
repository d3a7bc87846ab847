"""What was measured, as tables for people and as one JSON object."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from rich.console import Console
from rich.table import Table

from benchmarks.bars import Bar, latency_bar, memory_bar, rate_bars
from benchmarks.latency import LatencyRun
from benchmarks.rates import Rates

GUARANTEES = {"at_least_once": "score_at_least_once", "exactly_once": "score_exactly_once"}
_MIB = 1 << 20


@dataclass
class Report:
    """Everything of a benchmark.

    Attributes:
        sizes: records by raw topic.
        rates: turns and medians.
        latencies: by contestant; ours at the default target are those of `GUARANTEES`.
        halves: records/s that "half" stands for, by contestant.
        stage_us: microseconds a record by step, of fraud with one entity key.
        stage_us_of: the same of other use cases, by name.
        bare_bytes: memory of bare workers.
    """

    sizes: Mapping[str, int]
    rates: Rates = field(default_factory=Rates)
    latencies: dict[str, LatencyRun] = field(default_factory=dict)
    halves: dict[str, int] = field(default_factory=dict)
    stage_us: dict[str, float] = field(default_factory=dict)
    stage_us_of: dict[str, dict[str, float]] = field(default_factory=dict)
    bare_bytes: list[int] = field(default_factory=list)

    def bars(self) -> list[Bar]:
        """The bars of which everything was measured."""
        bars = rate_bars(self.rates.by_turn())
        ours = self.latencies.get(GUARANTEES["at_least_once"])
        if ours:
            bars.append(latency_bar(ours.by_rate["5000"].p99))
        if ours and ours.worker_bytes and self.bare_bytes:
            bars.append(memory_bar(max(ours.worker_bytes), max(self.bare_bytes)))
        return bars

    def as_json(self) -> dict[str, object]:
        """The object of the last line."""
        ours = {name: self.latencies[run] for name, run in GUARANTEES.items() if self._has(run)}
        others = {n: run for n, run in self.latencies.items() if n not in GUARANTEES.values()}
        return {
            "rates": {name: round(rate) for name, rate in self.rates.medians().items()},
            "latency_ms": {name: run.as_json() for name, run in ours.items()},
            "latency_ms_others": {name: run.as_json() for name, run in others.items()},
            "half_rates": self.halves,
            "bars": [{**asdict(bar), "met": bar.met} for bar in self.bars()],
            "stage_us": self.stage_us,
            "stage_us_of": self.stage_us_of,
            "worker_bytes": {n: run.worker_bytes for n, run in self.latencies.items()},
            "bare_worker_bytes": self.bare_bytes,
            "records": self.sizes,
            "turns": self.rates.as_json(),
            "wrong": self.rates.wrong,
        }

    def _has(self, run: str) -> bool:
        return run in self.latencies


def show(report: Report, console: Console) -> None:
    """Prints the tables of what was measured."""
    if report.rates.turns:
        console.print(_rates(report))
    if report.stage_us:
        console.print(_stages({"fraud": report.stage_us, **report.stage_us_of}))
    if report.latencies:
        console.print(_latencies(report))
    if report.bare_bytes:
        console.print(_memory(report))
    console.print(_bars(report.bars()))
    for text in report.rates.wrong:
        console.print(f"[bold red]wrong:[/] {text}")


def _rates(report: Report) -> Table:
    table = Table(title="Steady-state rates, medians")
    for heading in ("contestant", "records/s", "lowest", "highest", "of score_exactly_once"):
        table.add_column(heading, justify="left" if heading == "contestant" else "right")
    medians = report.rates.medians()
    ours = medians.get("score_exactly_once")
    for name, turns in report.rates.turns.items():
        lowest, highest = min(t.rate for t in turns), max(t.rate for t in turns)
        share = f"{medians[name] / ours:.2f}" if ours else ""
        table.add_row(name, *(f"{x:,.0f}" for x in (medians[name], lowest, highest)), share)
    return table


def _stages(found: Mapping[str, Mapping[str, float]]) -> Table:
    table = Table(title="Our Python worker, step by step, without Flink: µs a record")
    table.add_column("step")
    for use_case in found:
        table.add_column(use_case, justify="right")
    for name in next(iter(found.values())):
        table.add_row(name, *(f"{costs[name]:.2f}" for costs in found.values()))
    table.add_row("all", *(f"{sum(costs.values()):.2f}" for costs in found.values()))
    return table


def _latencies(report: Report) -> Table:
    table = Table(title="Latency, p50 / p99 in ms (half: half of our maximal rate)")
    rates = list(next(iter(report.latencies.values())).by_rate)
    table.add_column("contestant")
    for rate in rates:
        table.add_column(rate if rate == "half" else f"{int(rate):,}/s", justify="right")
    for name, run in report.latencies.items():
        cells = [f"{run.by_rate[rate].p50:.0f} / {run.by_rate[rate].p99:.0f}" for rate in rates]
        table.add_row(name, *cells)
    return table


def _memory(report: Report) -> Table:
    table = Table(title="Python workers, proportional set size")
    table.add_column("job")
    table.add_column("MiB each", justify="right")
    workers = {name: run.worker_bytes for name, run in report.latencies.items()}
    for name, sizes in {"identity map": report.bare_bytes, **workers}.items():
        if sizes:
            table.add_row(name, ", ".join(f"{size / _MIB:.0f}" for size in sizes))
    return table


def _bars(bars: list[Bar]) -> Table:
    table = Table(title="Bars")
    for heading in ("bar", "measured", "bound", ""):
        table.add_column(heading, justify="left" if heading == "bar" else "right")
    for bar in bars:
        sign = "≥" if bar.at_least else "≤"
        verdict = "met" if bar.met else "[bold red]missed[/]"
        table.add_row(bar.text, f"{bar.measured:,.2f}", f"{sign} {bar.bound:g}", verdict)
    return table
