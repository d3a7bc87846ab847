"""Quality beside what is published: `python -m benchmarks.quality --data DATA [--use-case NAME]`.

A table a protocol for people and one of all goals, then one JSON object as the last line of
standard output: an object a use case, or with `--use-case` its figures alone. Progress goes to
standard error. The exit status is not 0 when it could not be measured or row counts are not the
protocol's; figures that fall short of a goal are no failure, they are printed.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.interruption import INTERRUPTED, sigterm_interrupts
from benchmarks.progress import say
from benchmarks.quality.registry import MEASURES, find_measure
from benchmarks.quality.result import Comparison, Quality
from udfs.errors import MillraceError

_WRONG = 1


def main(argv: Sequence[str]) -> int:
    """Measures; returns the exit status."""
    sigterm_interrupts()
    given = _parser().parse_args(argv)
    names = [given.use_case] if given.use_case else list(MEASURES)
    found: dict[str, Quality] = {}
    try:
        for name in names:
            found[name] = _measured(name, given)
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except MillraceError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    _show(found, Console(width=110))
    print(json.dumps(_figures(found, given.use_case)), flush=True)
    wrong = [sentence for quality in found.values() for sentence in quality.wrong]
    for sentence in wrong:
        print(f"error: {sentence}", file=sys.stderr)
    return _WRONG if wrong else 0


def _measured(name: str, given: argparse.Namespace) -> Quality:
    """The quality of a use case, with the seconds that it took among its figures."""
    say(f"quality of {name}")
    begun = time.monotonic()
    quality = find_measure(name)(given)
    seconds = round(time.monotonic() - begun, 1)
    say(f"{name} took {seconds:.0f} s")
    return replace(quality, figures={**quality.figures, "seconds": seconds})


def _figures(found: Mapping[str, Quality], only: str | None) -> Mapping[str, object]:
    return found[only].figures if only else {name: q.figures for name, q in found.items()}


def _show(found: Mapping[str, Quality], console: Console) -> None:
    for quality in found.values():
        for comparison in quality.comparisons:
            console.print(_table(comparison))
    console.print(_goals(found))


def _goals(found: Mapping[str, Quality]) -> Table:
    headings = ("", "measure", "millrace", "goal", "", "published", "seconds")
    table = Table(title="All use cases", title_justify="left")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in ("millrace", "goal") else "left")
    for name, quality in found.items():
        for goal in quality.goals:
            figure = f"{quality.figures[goal.figure]:.4g}"
            bound = f"{'≥' if goal.at_least else '≤'} {goal.bound:g}"
            verdict = "met" if goal.met(quality.figures) else "[bold red]missed[/]"
            took = f"{quality.figures['seconds']:.0f}"
            table.add_row(name, goal.title, figure, bound, verdict, goal.published, took)
        table.add_section()
    return table


def _table(comparison: Comparison) -> Table:
    table = Table(title=comparison.title, title_justify="left")
    for place, heading in enumerate(comparison.headings):
        table.add_column(heading, justify="right" if place else "left")
    for row in comparison.rows:
        table.add_row(*row)
    return table


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quality",
        description="Quality by published protocols; the last line is JSON.",
        epilog="example: make quality USE_CASE=fraud DATA=../shared/data",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--use-case", choices=list(MEASURES), help="this one alone")
    parser.add_argument("--archive", type=Path, help="fraud: take this archive, write none")
    parser.add_argument("--as-of", help="fraud: judge as of this date; default: the last labels")
    parser.add_argument(
        "--folds",
        type=int,
        help="fraud: so many weeks of test, one by one (default 1); maintenance: cross-validate "
        "over so many parts of the training engines as well (default 5; 1: do not)",
    )
    parser.add_argument("--keep", type=Path, help="folder for models and reports; default: none")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
