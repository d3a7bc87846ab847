"""What a use case's training has to yield, and how it is found."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from numpy.typing import NDArray

from training.dataset import Dataset
from training.progress import OnProgress
from udfs.errors import UseCaseError
from udfs.use_cases.contract import ModelSignature, UseCase


@dataclass(frozen=True)
class FitOptions:
    """How long to train, and from which seed."""

    epochs: int
    seed: int


class FittedModel(Protocol):
    """A trained model that can answer and be saved.

    Attributes:
        threshold: scores from here on are decided as true; None where nothing is decided by one.
        library_versions: of the libraries that trained it.
    """

    threshold: float | None
    library_versions: Mapping[str, str]

    def outputs(self, features: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        """What the saved model will give for feature rows (n, f), by the output's tensor.

        The rows are of the signature's `input_dtype`.
        """

    def save(self, folder: Path) -> None:
        """Writes a model directory whose signature is the use case's, thresholds included."""


class Fit(Protocol):
    """The function that a use case names in `fit`."""

    def __call__(
        self,
        train: Dataset,
        validation: Dataset,
        signature: ModelSignature,
        options: FitOptions,
        on_progress: OnProgress,
    ) -> FittedModel:
        """Trains on `train`; chooses when to stop, and the threshold, on `validation`."""


class Evaluate(Protocol):
    """The function that a use case names in `evaluate`."""

    def __call__(self, test: Dataset, outputs: Mapping[str, NDArray[Any]]) -> dict[str, float]:
        """Measures by name of outputs, by tensor, on test rows; what is undefined is nan."""


def find_fit(use_case: UseCase) -> Fit:
    """The training that a use case names.

    Raises:
        UseCaseError: it names nothing that can be loaded and called.
    """
    return cast(Fit, _find(use_case, "training", use_case.fit))


def find_evaluate(use_case: UseCase) -> Evaluate:
    """The measures that a use case names.

    Raises:
        UseCaseError: it names nothing that can be loaded and called.
    """
    return cast(Evaluate, _find(use_case, "evaluation", use_case.evaluate))


def _find(use_case: UseCase, what: str, reference: str) -> Any:
    module_name, _, attribute = reference.partition(":")
    try:
        found = getattr(import_module(module_name), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UseCaseError(
            f"the {what} {reference!r} of use case {use_case.name!r} cannot be loaded: {error}"
        ) from error
    if not callable(found):
        raise UseCaseError(
            f"the {what} {reference!r} of use case {use_case.name!r} is a "
            f"{type(found).__name__}, not a function"
        )
    return found
