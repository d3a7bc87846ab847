"""The contract's checks as values, each bound to the name of a use case."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from millrace.testing import contract
from udfs.use_cases.contract import UseCase
from udfs.use_cases.find import load_use_case


@dataclass(frozen=True)
class Check:
    """One check of one use case; calling it raises AssertionError when the check fails.

    Attributes:
        name: an installed name, or `module:attribute`.
        title: what is kept, in words joined by underscores.
        function: checks it.
    """

    name: str
    title: str
    function: Callable[[UseCase], None]

    def __call__(self) -> None:
        """Loads the use case and checks it.

        Raises:
            UseCaseError: there is no such use case, or it cannot be loaded.
        """
        self.function(load_use_case(self.name))


def checks_of(name: str) -> Iterator[Check]:
    """All checks of a use case, in the order of the contract.

    >>> next(checks_of("fraud")).title
    'its_name_can_name_topics'
    """
    for function in contract.CHECKS:
        yield Check(name, function.__name__, function)
