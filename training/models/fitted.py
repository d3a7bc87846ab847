"""What a use case's training has to yield, and how it is found."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import numpy as np
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
    """A trained model that can score and be saved.

    Attributes:
        threshold: scores from here on are decided as true.
        library_versions: of the libraries that trained it.
    """

    threshold: float
    library_versions: Mapping[str, str]

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores (n,) of feature rows (n, f), as the saved model will give them."""

    def save(self, folder: Path) -> None:
        """Writes a SavedModel whose signature is the use case's, threshold included."""


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


def find_fit(use_case: UseCase) -> Fit:
    """The training that a use case names.

    Raises:
        UseCaseError: it names nothing that can be loaded and called.
    """
    module_name, _, attribute = use_case.fit.partition(":")
    try:
        fit = getattr(import_module(module_name), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UseCaseError(
            f"the training {use_case.fit!r} of use case {use_case.name!r} cannot be loaded: {error}"
        ) from error
    if not callable(fit):
        raise UseCaseError(
            f"the training {use_case.fit!r} of use case {use_case.name!r} is a "
            f"{type(fit).__name__}, not a function"
        )
    return cast(Fit, fit)
