"""Every installed use case keeps the contract, by the plugin that packages of their own use."""

from collections.abc import Callable

import pytest

from udfs.use_cases.find import find_use_case, use_case_names


def test_contract(contract_check: Callable[[], None]) -> None:
    contract_check()


@pytest.mark.parametrize("name", use_case_names())
def test_its_entry_point_has_its_name(name: str) -> None:
    assert find_use_case(name).name == name
