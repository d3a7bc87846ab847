"""Every case against the server under test."""

import pytest

from tests.contract.conformance.case import Case
from tests.contract.conformance.cases import CASES
from tests.contract.conformance.target import Target

LEAST = 60


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(target: Target, case: Case) -> None:
    assert case.ask(target) == case.expected, f"expected by {case.source}"


def test_cases_are_enough_and_distinct() -> None:
    names = [case.name for case in CASES]
    assert len(names) >= LEAST
    assert len(set(names)) == len(names)
