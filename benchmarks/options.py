"""What `make bench` can be told."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.contestants.registry import (
    CONTESTANTS,
    MAIN,
    MAINTENANCE,
    MANY,
    RECOMMENDATION,
    SMALL,
    Contestant,
)

# Records of the main topic to one of other use cases: their models and records are larger.
_TO_ONE_GENERATED = 8


@dataclass(frozen=True)
class BenchOptions:
    """The sizes and parts of a benchmark.

    Attributes:
        contestants: who takes part in the rates.
        sizes: records by raw topic.
        repeats: turns of each contestant; those that no bar asks for take one.
        latency: measure latencies.
        extras: measure stage costs and worker memory.
        warm_up_s: warm-up of a Flink job before latencies.
        measured_s: seconds of each rate of the latencies.
        half: the rate called half, records/s; None: half of what was measured.
        quick: small sizes, to see that all of it works.
    """

    contestants: tuple[Contestant, ...]
    sizes: dict[str, int]
    repeats: int
    latency: bool
    extras: bool
    warm_up_s: float
    measured_s: float
    half: int | None
    quick: bool


def parse(argv: Sequence[str]) -> BenchOptions:
    """The options of a command line."""
    given = _parser().parse_args(argv)
    records = given.records or (150_000 if given.quick else 3_200_000)
    few = given.async_records or (2_000 if given.quick else 12_000)
    chosen = [c for c in CONTESTANTS if c.required or not given.quick]
    if given.only is not None:
        chosen = [c for c in CONTESTANTS if c.name in given.only]
    return BenchOptions(
        contestants=tuple(chosen),
        sizes={
            MAIN: records,
            MANY: records,
            SMALL: few,
            RECOMMENDATION: records // _TO_ONE_GENERATED,
            MAINTENANCE: records // _TO_ONE_GENERATED,
        },
        repeats=given.repeats or (1 if given.quick else 3),
        latency=given.latency,
        extras=given.extras,
        warm_up_s=5 if given.quick else 60,
        measured_s=4 if given.quick else 12,
        half=given.half,
        quick=given.quick,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench",
        description="Rates and latencies of the score job beside others; the last line is JSON.",
        epilog="example: python -m benchmarks.bench --quick --no-latency",
    )
    parser.add_argument("--records", type=_positive, help="records of a run (default 3,200,000)")
    parser.add_argument("--async-records", type=_positive, help="of the documented async form")
    parser.add_argument("--repeats", type=_positive, help="turns of each contestant (default 3)")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it all work?")
    parser.add_argument("--latency", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument(
        "--extras",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="cost of each stage, memory of a worker",
    )
    parser.add_argument("--half", type=_positive, help="records/s of the latencies called half")
    names = [contestant.name for contestant in CONTESTANTS]
    parser.add_argument("--only", nargs="*", choices=names, help="these contestants; none: none")
    return parser


def _positive(text: str) -> int:
    number = int(text.replace("_", "").replace(",", ""))
    if number < 1:
        raise argparse.ArgumentTypeError("it has to be at least 1")
    return number
