"""All faults of the model server."""

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.model_faults.checks import Check
from benchmarks.model_faults.ground import Ground
from benchmarks.model_faults.odd_answers import odd_answers
from benchmarks.model_faults.one_server import one_server
from benchmarks.model_faults.plan import Plan
from benchmarks.model_faults.two_replicas import two_replicas

FAULTS: Final[Mapping[str, Callable[[Ground, Plan], list[Check]]]] = {
    "one server": one_server,
    "two replicas": two_replicas,
    "odd answers": odd_answers,
}
"""Jobs with their faults, by name."""
