"""What a report is made of: a model, and the parts of the data it was made and judged by."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from training.dataset import Dataset
from training.models.fitted import FittedModel
from training.report.page import Section
from udfs.errors import UseCaseError
from udfs.use_cases.contract import UseCase


@dataclass(frozen=True)
class Run:
    """A training run.

    Attributes:
        use_case: whose model it is.
        model: the trained model.
        train: what it was trained on.
        validation: what chose when to stop.
        test: what it is judged by.
        seed: of the run.
    """

    use_case: UseCase
    model: FittedModel
    train: Dataset
    validation: Dataset
    test: Dataset
    seed: int


class Sections(Protocol):
    """The function that a use case names in `report`."""

    def __call__(self, run: Run) -> Sequence[Section]:
        """The sections of the run's report, in order."""


def find_sections(use_case: UseCase) -> Sections:
    """The report that a use case names.

    Raises:
        UseCaseError: it names nothing that can be loaded and called.
    """
    module_name, _, attribute = use_case.report.partition(":")
    try:
        found = getattr(import_module(module_name), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UseCaseError(
            f"the report {use_case.report!r} of use case {use_case.name!r} cannot be loaded: "
            f"{error}"
        ) from error
    if not callable(found):
        raise UseCaseError(f"the report {use_case.report!r} of {use_case.name!r} is no function")
    return cast(Sections, found)
