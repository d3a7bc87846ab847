"""Names of use cases."""

from dataclasses import replace

import pytest

from udfs.errors import UseCaseError
from udfs.use_cases.declaration import RESERVED_ENDINGS
from udfs.use_cases.fraud import FRAUD


@pytest.mark.parametrize("ending", RESERVED_ENDINGS)
def test_a_name_that_is_another_ones_deployment_is_refused(ending: str) -> None:
    with pytest.raises(UseCaseError, match=f"'fraud' has a deployment that ends in {ending}"):
        replace(FRAUD, name=f"fraud{ending}")
