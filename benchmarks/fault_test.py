"""Faults of the model server under the job: `python -m benchmarks.fault_test`, `make fault-test`.

Three jobs under load, each through some faults of its model server: killed for 30 s, silent,
replaced by another version; one of two replicas drained; slow, full, without its model, talking
nonsense. Meanwhile and afterwards no record may be missing, nothing restart, retries stay within
a fifth of the calls, breakers open and close in time, and every row say who answered.

A table for people, then one JSON object as the last line of standard output; progress goes to
standard error. The exit status is not 0 when something could not be measured or counts are wrong;
a bound that depends on the machine's speed and is missed is shown, and is no error.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from subprocess import CalledProcessError
from typing import Any

from confluent_kafka import KafkaException
from rich.console import Console
from rich.table import Table

from benchmarks.interruption import INTERRUPTED
from benchmarks.model_faults.checks import Check
from benchmarks.model_faults.faults import FAULTS
from benchmarks.model_faults.ground import open_ground
from benchmarks.model_faults.plan import Plan
from benchmarks.progress import say
from udfs.errors import MillraceError

_BROKEN_OFF, _WRONG = 4, 1


def show(checks: Sequence[Check], console: Console) -> None:
    """Prints the table."""
    table = Table(title="Faults of the model server under a running score job")
    for heading in ("fault", "what", "measured", "bound", ""):
        table.add_column(heading, justify="left" if heading in {"fault", "what"} else "right")
    for check in checks:
        measured = "none" if check.measured is None else f"{check.measured:,g}"
        sign = {"=": "=", "<=": "≤", ">=": "≥"}[check.sign]
        verdict = "holds" if check.holds else "[bold red]missed[/]"
        table.add_row(check.fault, check.what, measured, f"{sign} {check.bound:g}", verdict)
    console.print(table)


def as_json(checks: Sequence[Check], repeats: int) -> dict[str, Any]:
    """The object of the last line."""
    missed = [check.as_json() for check in checks if not check.holds]
    return {
        "checks": len(checks),
        "held": len(checks) - len(missed),
        "repeats": repeats,
        "missed": missed,
        "measured": [check.as_json() for check in checks],
    }


def main(argv: Sequence[str]) -> int:
    """Measures and prints; the exit status."""
    given = _parser().parse_args(argv)
    checks: list[Check] = []
    try:
        for repeat in range(given.repeats):
            say(f"turn {repeat + 1} of {given.repeats}")
            plan = Plan(given.outage, given.fault, given.rate, given.seed + repeat)
            with open_ground() as ground:
                for name in given.only or FAULTS:
                    checks += FAULTS[name](ground, plan)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (MillraceError, KafkaException, CalledProcessError, OSError) as error:
        print(f"fault-test: broken off: {error}", file=sys.stderr)
        return _BROKEN_OFF
    show(checks, Console(width=120))
    print(json.dumps(as_json(checks, given.repeats)))
    return _WRONG if any(not check.holds and not check.by_time for check in checks) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fault_test",
        description="Faults of the model server under a running job; the last line is JSON.",
        epilog='example: python -m benchmarks.fault_test --outage 10 --only "two replicas"',
    )
    parser.add_argument("--outage", type=float, default=30.0, help="seconds without an answer")
    parser.add_argument("--fault", type=float, default=6.0, help="seconds of every other fault")
    parser.add_argument("--rate", type=int, default=2000, help="records a second")
    parser.add_argument("--repeats", type=int, default=1, help="turns, each with a seed of its own")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first turn")
    parser.add_argument("--only", nargs="*", choices=FAULTS, help="these jobs (default: all)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
