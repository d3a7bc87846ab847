"""Where a deployment's outputs end, though its last commits were lost."""

from typing import Any

import msgspec
import pytest

from millrace.audit.border import outputs_end
from tests.unit.audit.test_counting import ALL, Memory, letter
from udfs.errors import ConfigurationError


class Labelled(Memory):
    """Those stages with labels; `kept` is the oldest offset of the predictions."""

    def __init__(
        self,
        answered: list[tuple[int, int]],
        letters: list[dict[str, Any]],
        changes: list[tuple[int, int]] | None = None,
        kept: int = 0,
    ) -> None:
        super().__init__(answered, letters)
        places = [{"source_partition": p, "source_offset": o} for p, o in changes or []]
        self.values["label-changes"] = [msgspec.json.encode(place) for place in places]
        self._kept = kept

    def first(self, stage: str) -> dict[int, int]:
        """As in memory, less what retention deleted."""
        return {0: self._kept if stage == "predictions" else 0, 1: 0}


FIRST_HALF = [(p, o) for p, o in ALL if o < 5]


def test_what_was_written_beyond_the_commits_is_not_written_again() -> None:
    stages = Labelled(FIRST_HALF, [letter(1, 5)])
    assert outputs_end(stages, "fraud", {"raw": {0: 2}}) == {"raw": {0: 5, 1: 6}}


def test_labels_end_behind_the_last_change_or_dead_letter_of_a_label() -> None:
    stages = Labelled(FIRST_HALF, [letter(0, 8, "fraud.labels")], [(1, 3), (1, 1)])
    committed = {"raw": {0: 5, 1: 5}, "labels": {0: 4, 1: 2}}
    assert outputs_end(stages, "fraud", committed) == {
        "raw": {0: 5, 1: 5},
        "labels": {0: 9, 1: 4},
    }


def test_commits_are_believed_where_labels_changed_nothing() -> None:
    stages = Labelled(FIRST_HALF, [])
    found = outputs_end(stages, "fraud", {"raw": {0: 5, 1: 5}, "labels": {0: 7}})
    assert found["labels"] == {0: 7, 1: 0}


@pytest.mark.parametrize("committed", [{0: 5, 1: 5}, {0: 2}])
def test_a_record_that_the_old_deployment_still_held_is_named(committed: dict[int, int]) -> None:
    held = {(1, 1), (1, 2)}
    stages = Labelled([place for place in FIRST_HALF if place not in held], [])
    with pytest.raises(ConfigurationError, match=r"partition 1.*offsets 1-2.*--drain"):
        outputs_end(stages, "fraud", {"raw": committed})


def test_a_committed_record_without_an_outcome_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"partition 0.*offsets 5\)"):
        outputs_end(Labelled(FIRST_HALF, []), "fraud", {"raw": {0: 6}})


def test_outcomes_that_retention_deleted_are_not_missed() -> None:
    stages = Labelled([(0, 4), (1, 4)], [], kept=7)
    assert outputs_end(stages, "fraud", {"raw": {0: 4, 1: 4}}) == {"raw": {0: 5, 1: 5}}
