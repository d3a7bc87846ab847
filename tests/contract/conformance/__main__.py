"""Runs the suite and says what came of it: `make conformance`.

Without --target the model server of this repository is started with the suite's models. A server at
an address has to serve the models of `python -m tests.contract.conformance.models FOLDER`.
"""

import argparse
import json
import os
import sys
from collections import Counter
from typing import Any, Final

import pytest

from tests.contract.conformance import server
from tests.contract.conformance.case import COMMIT

_NO_CASE: Final = "test_cases_are_enough_and_distinct"


class _Tally:
    """Counts how the cases end.

    Attributes:
        outcomes: number of cases by interface and outcome.
        failed: what pytest calls the cases that failed.
    """

    def __init__(self) -> None:
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Takes the result of a case, or of its set-up when that is where it ended."""
        if _NO_CASE in report.nodeid or (report.when != "call" and report.passed):
            return
        name = report.nodeid.partition("[")[2].rstrip("]")
        interface = name.split()[0].rstrip(":")
        self.outcomes[interface, report.outcome] += 1
        if report.failed:
            self.failed.append(name)


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make conformance",
        description=__doc__,
        epilog="example: make conformance TARGET=127.0.0.1:8500 REST=127.0.0.1:8501 "
        "MODELS=/tmp/conformance",
    )
    parser.add_argument("--target", help="host:port of gRPC; without it a server is started")
    parser.add_argument("--rest", help="host:port of REST; without it port 8501 of that host")
    parser.add_argument("--models", help="folder that holds the suite's models")
    parser.add_argument("--served-models", help="the same folder as the server sees it")
    found = parser.parse_args(argv)
    if found.target and not found.models:
        parser.error("--target needs --models, the folder whose models the server serves")
    return found


def _environment(arguments: argparse.Namespace) -> dict[str, str]:
    if not arguments.target:
        return {}
    host = arguments.target.rpartition(":")[0]
    named = {
        server.GRPC: arguments.target,
        server.REST: arguments.rest or f"{host}:8501",
        server.MODELS: arguments.models,
        server.SERVED_MODELS: arguments.served_models,
    }
    return {name: value for name, value in named.items() if value}


def _table(tally: _Tally) -> None:
    outcomes = ("passed", "failed", "skipped")
    print(f"\n{'interface':<12}" + "".join(f"{outcome:>9}" for outcome in outcomes))
    for interface in sorted({interface for interface, _ in tally.outcomes}):
        counts = (tally.outcomes[interface, outcome] for outcome in outcomes)
        print(f"{interface:<12}" + "".join(f"{count:>9}" for count in counts))
    for name in tally.failed:
        print(f"failed: {name}")
    print(f"expectations read in tensorflow/serving at {COMMIT[:7]}")


def main(argv: list[str]) -> int:
    """The command; its status is 0 when every case passed."""
    arguments = _arguments(argv)
    os.environ.update(_environment(arguments))
    tally = _Tally()
    folder = os.path.dirname(os.path.abspath(__file__))
    status = pytest.main([folder, "-q", "--no-header", "-p", "no:cacheprovider"], plugins=[tally])
    _table(tally)
    totals = {
        outcome: sum(count for (_, kind), count in tally.outcomes.items() if kind == outcome)
        for outcome in ("passed", "failed", "skipped")
    }
    figures = {
        "cases": sum(totals.values()),
        **totals,
        "target": arguments.target or "millrace model-server",
        "commit": COMMIT[:7],
    }
    print(json.dumps(figures))
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
