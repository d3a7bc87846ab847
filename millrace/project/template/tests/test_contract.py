"""The use case keeps Millrace's contract; the checks come with Millrace's pytest plugin."""

from collections.abc import Callable


def test_contract(contract_check: Callable[[], None]) -> None:
    contract_check()
