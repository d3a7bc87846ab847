"""newcase: is this event out of its entity's habit?

Change the record, the fold, the features and the rule to what is yours; the README goes through
them step by step.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newcase.world import DAY_MS, HOUR_MS, Event, generate, live
from udfs.features.spec import FeatureSpec
from udfs.features.values import Columns, Features, WindowValues
from udfs.features.windows import WindowedAggregate
from udfs.use_cases.contract import ModelSignature, UseCase

ENTITY = WindowedAggregate(
    name="entity",
    key="entity_id",
    value="amount_cents",
    windows_ms=(DAY_MS, 7 * DAY_MS),
)
"""Counts and sums over exact windows (t - w, t], the event itself included."""

SPEC = FeatureSpec(
    names=("amount", "night", "mean_amount_1d", "mean_amount_7d"),
    folds=(ENTITY,),
)
"""The model's inputs in order; raise `revision` when one changes its meaning but not its name.

A model decides well on what looks like its history. The generator's live traffic comes faster:
means over days look alike in both, counts and the mean of the last hour would not.
"""


def assemble(columns: Columns, folded: Mapping[str, Any]) -> Features:
    """The feature rows of a block, shape (n, 4); amounts in currency units, hours in UTC."""
    hour = columns["event_time_ms"] % DAY_MS // HOUR_MS
    entity: WindowValues = folded[ENTITY.name]
    parts = [
        columns["amount_cents"] / 100.0,
        hour < 6,  # noqa: PLR2004
        entity.total / (100.0 * entity.count),
    ]
    return np.column_stack(parts).astype(np.float64)


def rule(features: Features) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Scores (n,) and decisions (n,) while no model answers: an amount far above the habit.

    The score is 1 - mean/amount over the mean of seven days, clipped to [0, 1].
    """
    amount = features[:, SPEC.names.index("amount")]
    mean = features[:, SPEC.names.index("mean_amount_7d")]
    ratio = np.divide(mean, amount, out=np.ones_like(mean), where=amount > 0)
    score = np.clip(1.0 - ratio, 0.0, 1.0).astype(np.float32)
    return score, score > 0.6  # noqa: PLR2004


USE_CASE = UseCase(
    name="newcase",
    record_type=Event,
    business_id="event_id",
    entity_key="entity_id",
    event_time="event_time_ms",
    columns=("amount_cents", "event_time_ms"),
    spec=SPEC,
    assemble=assemble,
    model=ModelSignature(model_name="newcase"),
    rule=rule,
    # Training leaves this gap before its test: labels are not known earlier.
    label_delay=timedelta(days=1),
    allowed_lateness=timedelta(minutes=10),
    generate=generate,
    live=live,
    label_dtype="bool",
    # Training, measures and report for any yes-or-no label; name functions of your own here.
    fit="training.models.binary:fit",
    evaluate="training.evaluate:yes_or_no",
    report="training.report.general:sections",
)
