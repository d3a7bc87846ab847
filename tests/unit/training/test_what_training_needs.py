"""What a use case names for its training is looked for before anything is trained."""

from dataclasses import replace
from pathlib import Path

import pytest

from training.dataset import Dataset
from training.models.fitted import FitOptions
from training.progress import OnProgress
from training.train import train
from udfs.errors import UseCaseError
from udfs.use_cases.contract import UseCase
from udfs.use_cases.fraud import FRAUD


class Untouched:
    """A source that must not be asked."""

    description = "untouched"

    def dataset(self, use_case: UseCase, on_progress: OnProgress) -> Dataset:
        """Fails the test."""
        raise AssertionError("the source was read")


NOTHING = "training.evaluate:nothing"


@pytest.mark.parametrize(
    "case",
    [
        replace(FRAUD, fit=NOTHING),
        replace(FRAUD, evaluate=NOTHING),
        replace(FRAUD, report=NOTHING),
    ],
    ids=["fit", "evaluate", "report"],
)
def test_a_function_that_is_not_there_is_told_before_the_data_is_read(
    case: UseCase, tmp_path: Path
) -> None:
    with pytest.raises(UseCaseError, match=r"evaluate:nothing' of use case 'fraud' cannot be"):
        train(case, Untouched(), tmp_path, options=FitOptions(1, 1), train_days=None)
    assert list(tmp_path.iterdir()) == []
