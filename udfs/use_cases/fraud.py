"""Card fraud: is this transaction made by somebody else than the card's holder?

The features are those of the Fraud Detection Handbook, chapter 3 (fraud-detection-handbook
@81cf7d1, `BaselineFeatureTransformation.ipynb`): amount, weekend and night flags; the customer's
count and mean amount over 1, 7 and 30 days, the current transaction included; the terminal's count
and its risk, the share of frauds, over 1, 7 and 30 days that end 7 days before, when labels are
known.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.features.delayed import DelayedWindows
from udfs.features.spec import FeatureSpec
from udfs.features.values import LabelledValues
from udfs.features.windows import WindowedAggregate
from udfs.use_cases.contract import (
    Columns,
    Duplicates,
    Features,
    LabelFeed,
    ModelSignature,
    UseCase,
    WindowValues,
)
from udfs.use_cases.fraud_records import FraudLabel, Transaction
from udfs.use_cases.fraud_world import generate, live

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
_WINDOW_DAYS = (1, 7, 30)
_SATURDAY = 5
_LAST_HOUR_OF_NIGHT = 6

_LABEL_DELAY = timedelta(days=7)

__all__ = ["FRAUD", "FRAUD_BY_CUSTOMER", "SPEC", "FraudLabel", "Transaction", "assemble", "rule"]

CUSTOMER = WindowedAggregate(
    name="customer",
    key="customer_id",
    value="amount_cents",
    windows_ms=tuple(days * DAY_MS for days in _WINDOW_DAYS),
)

TERMINAL = DelayedWindows(
    name="terminal",
    key="terminal_id",
    windows_ms=tuple(days * DAY_MS for days in _WINDOW_DAYS),
    delay_ms=_LABEL_DELAY // timedelta(milliseconds=1),
)

_CUSTOMER_NAMES = (
    "amount",
    "weekend",
    "night",
    *(f"customer_count_{days}d" for days in _WINDOW_DAYS),
    *(f"customer_mean_amount_{days}d" for days in _WINDOW_DAYS),
)

SPEC = FeatureSpec(
    names=(
        *_CUSTOMER_NAMES,
        *(f"terminal_count_{days}d" for days in _WINDOW_DAYS),
        *(f"terminal_risk_{days}d" for days in _WINDOW_DAYS),
    ),
    folds=(CUSTOMER,),
    second=(TERMINAL,),
)


def assemble(columns: Columns, windows: Mapping[str, Any]) -> Features:
    """The feature rows of a block, shape (n, 15); amounts in currency units.

    Means and risks are one division of integers by integers (cents / (100 * count), frauds /
    count), so any order of summation gives the same bits. The risk of a terminal without
    transactions in the window is 0.
    """
    terminal: LabelledValues = windows["terminal"]
    risk = np.divide(
        terminal.positive,
        terminal.count,
        out=np.zeros(terminal.count.shape),
        where=terminal.count > 0,
    )
    return np.column_stack([*_of_customer(columns, windows), terminal.count, risk])


def assemble_customer(columns: Columns, windows: Mapping[str, Any]) -> Features:
    """The features of the transaction and its customer, shape (n, 9).

    Weekend is Saturday and Sunday, night the hours 0 to 6, both in UTC.
    """
    return np.column_stack(_of_customer(columns, windows))


def _of_customer(columns: Columns, windows: Mapping[str, Any]) -> list[NDArray[Any]]:
    # 1970-01-01 was a Thursday.
    time = columns["event_time_ms"]
    weekday = (time // DAY_MS + 3) % 7
    customer: WindowValues = windows["customer"]
    return [
        columns["amount_cents"] / 100.0,
        weekday >= _SATURDAY,
        time % DAY_MS // HOUR_MS <= _LAST_HOUR_OF_NIGHT,
        customer.count,
        customer.total / (100.0 * customer.count),
    ]


def rule(features: Features) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Scores (n,) and decisions (n,) without a model: an amount far above the customer's habit.

    The score is 1 - mean/amount over the 30-day mean, clipped to [0, 1]. Amounts above 220 are
    always decided as fraud: no honest purchase of the handbook's simulator is that large.
    """
    amount = features[:, 0]
    mean = features[:, _CUSTOMER_NAMES.index("customer_mean_amount_30d")]
    ratio = np.divide(mean, amount, out=np.ones_like(mean), where=amount > 0)
    large = amount > 220.0  # noqa: PLR2004
    score = np.where(large, 1.0, np.clip(1.0 - ratio, 0.0, 1.0)).astype(np.float32)
    return score, large | (score > 0.8)  # noqa: PLR2004


FRAUD = UseCase(
    name="fraud",
    record_type=Transaction,
    business_id="transaction_id",
    entity_key="customer_id",
    event_time="event_time_ms",
    columns=("amount_cents", "event_time_ms"),
    spec=SPEC,
    assemble=assemble,
    model=ModelSignature(model_name="fraud"),
    rule=rule,
    label_delay=_LABEL_DELAY,
    allowed_lateness=timedelta(hours=1),
    generate=generate,
    live=live,
    fit="training.models.fraud:fit",
    known_positives_leave=True,
    # A producer that sends again after an outage does so within the day.
    duplicates=Duplicates("flag", horizon=timedelta(days=1)),
    labels=LabelFeed(FraudLabel, entity_key="terminal_id", horizon=timedelta(days=14)),
)

FRAUD_BY_CUSTOMER = replace(
    FRAUD,
    spec=FeatureSpec(names=_CUSTOMER_NAMES, folds=(CUSTOMER,)),
    assemble=assemble_customer,
    labels=None,
    duplicates=None,
)
"""The same without the terminal: nine features, one entity key, no labels in the stream."""
