"""Labels as they were known at a time, out of an archived label topic."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from training.archived.cleaned import Stage
from training.progress import OnProgress
from udfs.use_cases.label_records import LABEL_FIELD, LABEL_TIME

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class KnownLabels:
    """Labels known by as-of, m of them; of each business id in the order they became known.

    Attributes:
        business_ids: of the records, int64 (m,), ascending.
        known_ms: from when on a label counts, int64 (m,).
        values: the labels, (m,).
        too_late: labels that were left out, for they became known after as-of.
    """

    business_ids: Ints
    known_ms: Ints
    values: Ints
    too_late: int

    def of(self, business_ids: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """The label that holds for each record, 0 without one, and whether there is one; (n,)."""
        at = np.searchsorted(self.business_ids, business_ids, side="right") - 1
        if not len(self.business_ids):
            return np.zeros(len(business_ids), np.int64), np.zeros(len(business_ids), np.bool_)
        known = (at >= 0) & (self.business_ids[at] == business_ids)
        return np.where(known, self.values[at], 0), known

    @cached_property
    def changes(self) -> Ints:
        """What each label changes: itself less the one before of the same record; (m,)."""
        again = np.diff(self.business_ids, prepend=-1) == 0
        before = np.where(again, np.roll(self.values, 1), 0)
        changes: Ints = self.values - before
        return changes


def known_labels(
    stage: Stage,
    *,
    since_ms: int,
    business_id: str,
    again: Literal["first", "last"],
    on_progress: OnProgress,
) -> KnownLabels:
    """Reads the labels that were known by the stage's as-of.

    A label is known from its own time on, but never before Kafka had it: one that is dated back
    would tell a feature of the past what nobody knew.

    Args:
        stage: the labels.
        since_ms: those of earlier Kafka timestamps are of records that do not matter.
        business_id: field that names the record.
        again: which label of a record holds when there are several.
        on_progress: told after each date.
    """
    parts, too_late = [np.empty((5, 0), np.int64)], 0
    days = stage.days(since_ms)
    for done, day in enumerate(days, start=1):
        for found in stage.of(day):
            known = np.maximum(found.columns[LABEL_TIME], found.timestamps_ms)
            told = (found.columns[business_id], known, found.partitions, found.offsets)
            rows = np.array([*told, found.columns[LABEL_FIELD]], np.int64)
            in_time = known <= stage.as_of_ms
            too_late += int((~in_time).sum())
            parts.append(rows[:, in_time])
        on_progress("days of labels", done, len(days))
    ids, known, partitions, offsets, values = np.concatenate(parts, axis=1)
    order = np.lexsort((offsets, partitions, known, ids))
    ids, known, values = ids[order], known[order], values[order]
    if again == "first":
        first = np.diff(ids, prepend=-1) != 0
        ids, known, values = ids[first], known[first], values[first]
    return KnownLabels(ids, known, values, too_late)
