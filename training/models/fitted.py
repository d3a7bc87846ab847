"""What a use case's training has to yield, and how it is found."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset
from training.progress import OnProgress
from udfs.errors import ConfigurationError
from udfs.use_cases.contract import ModelSignature


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
    """The function `fit` of a module under `training.models`."""

    def __call__(
        self,
        train: Dataset,
        validation: Dataset,
        signature: ModelSignature,
        options: FitOptions,
        on_progress: OnProgress,
    ) -> FittedModel:
        """Trains on `train`; chooses when to stop, and the threshold, on `validation`."""


def find_fit(use_case_name: str) -> Fit:
    """The training of a use case, from the module `training.models.<its name>`.

    Raises:
        ConfigurationError: there is no such module.
    """
    module_name = f"training.models.{use_case_name}"
    if not use_case_name.isidentifier() or find_spec(module_name) is None:
        raise ConfigurationError(
            f"use case {use_case_name!r} has no training: there is no module {module_name}"
        )
    return cast(Fit, import_module(module_name).fit)
