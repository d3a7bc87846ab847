"""How the training of a use case is found."""

from dataclasses import replace

import pytest

from training.models import fitted
from training.models.fitted import find_fit
from udfs.errors import UseCaseError
from udfs.use_cases.fraud import FRAUD


def test_training_is_what_the_use_case_names() -> None:
    # Any function does: it is found here, not called.
    found: object = find_fit(replace(FRAUD, fit="training.models.fitted:find_fit"))
    assert found is fitted.find_fit


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("no_such_module:fit", "cannot be loaded: No module named 'no_such_module'"),
        ("training.models.fitted:nothing", "cannot be loaded: module .* has no attribute"),
        ("training.models.fitted", "it is a text such as 'package.module:function'"),
        (":fit", "it is a text such as 'package.module:function'"),
        ("training.models.fitted:__doc__", "is a str, not a function"),
    ],
    ids=["module", "attribute", "no attribute", "no module", "no function"],
)
def test_training_that_cannot_be_used_is_one_sentence(reference: str, reason: str) -> None:
    with pytest.raises(UseCaseError, match=reason):
        find_fit(replace(FRAUD, fit=reference))
