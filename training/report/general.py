"""The report on any model: what suits a yes-or-no label where there is one, else the features."""

from collections.abc import Sequence

from training.report import binary
from training.report.drift import feature_drift
from training.report.page import Section
from training.report.run import Run
from udfs.use_cases.contract import SCORE


def sections(run: Run) -> Sequence[Section]:
    """The sections that hold for the kind of label and outputs that the use case has."""
    if run.test.labels.dtype == bool and SCORE in run.use_case.model.outputs:
        return binary.sections(run)
    return [feature_drift(run)]
