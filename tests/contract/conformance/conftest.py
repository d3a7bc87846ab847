"""The server that the cases are asked of: one at an address, or one that is started here."""

from collections.abc import Iterator

import pytest

from tests.contract.conformance.server import target_from_environment
from tests.contract.conformance.target import Target


@pytest.fixture(scope="session")
def target() -> Iterator[Target]:
    """The server under test."""
    with target_from_environment() as found:
        yield found
