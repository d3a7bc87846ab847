"""Which dead letters are meant."""

import pytest

from millrace.dead_letters.letters import Filter
from udfs.errors import ConfigurationError


@pytest.mark.parametrize(
    ("reason", "stage", "told"),
    [
        ("nonsense", None, "--reason is 'nonsense'; it is one of not_json, schema"),
        (None, "cleaning", "--stage is 'cleaning'; it is one of clean, labels, predictions"),
    ],
)
def test_a_reason_or_stage_that_there_is_not_is_refused(
    reason: str | None, stage: str | None, told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Filter(reason=reason, stage=stage)
