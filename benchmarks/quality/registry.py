"""The use cases whose quality is measured: one line and one module each."""

from importlib import import_module
from typing import Final, cast

from benchmarks.quality.result import Measure

MEASURES: Final = {
    "fraud": "benchmarks.quality.fraud:measure",
    "maintenance": "benchmarks.quality.maintenance:measure",
    "recommendation": "benchmarks.quality.recommendation:measure",
}
"""`module:function` by use case, in the order in which they are measured."""


def find_measure(use_case: str) -> Measure:
    """The function behind a name of `MEASURES`; its module is loaded now."""
    module, _, name = MEASURES[use_case].partition(":")
    return cast(Measure, getattr(import_module(module), name))
