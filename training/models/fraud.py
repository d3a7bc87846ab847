"""The model of card fraud: boosted trees that see what a payment is beside its card's habit.

Made of the features inside the model, so they need no place in the feature spec: how far the
amount lies from what the customer spent otherwise (the windows hold the payment itself, which
would hide in its own mean), how habits of the windows differ, and how many frauds a terminal had.
"""

from typing import Any

from training.dataset import Dataset
from training.models import boosted
from training.models.fitted import FitOptions
from training.models.tensorflow_quiet import tf
from training.progress import OnProgress
from udfs.use_cases.contract import ModelSignature
from udfs.use_cases.fraud import SPEC

_DAYS = (1, 7, 30)
# A risk of few payments says little: so many honest ones are added to each window.
_MORE_PAYMENTS, _MORE_FRAUDS = 1.0, 0.01


def fit(
    train: Dataset,
    validation: Dataset,
    signature: ModelSignature,
    options: FitOptions,
    on_progress: OnProgress,
) -> boosted.BoostedModel:
    """Boosted trees over the features of the use case; see `training.models.boosted.fit`."""
    return boosted.fit(train, validation, signature, options, on_progress, expand=expand)


def expand(rows: Any) -> Any:
    """Feature rows (n, f) with what is made of them, (n, g); amounts in currency units."""
    columns = dict(zip(SPEC.names, tf.unstack(rows, axis=1), strict=False))
    made = _beside_the_habit(columns)
    if "terminal_count_1d" in columns:
        made += _of_the_terminal(columns)
    return tf.concat([rows, tf.stack(made, axis=1)], axis=1)


def _beside_the_habit(columns: dict[str, Any]) -> list[Any]:
    """Ratios of the amount to the mean of the other payments, and of such means; (n,) each.

    Where a window has no other payment, the next longer one stands in, and last the amount.
    """
    amount = columns["amount"]
    otherwise = amount
    means = []
    for days in reversed(_DAYS):
        count = columns[f"customer_count_{days}d"]
        total = columns[f"customer_mean_amount_{days}d"] * count
        mean = (total - amount) / tf.maximum(count - 1.0, 1.0)
        otherwise = tf.where(count > 1.0, tf.maximum(mean, 0.0), otherwise)
        means.append(otherwise)
    month, week, day = means
    ratios = [(amount, day), (amount, week), (amount, month), (week, month), (day, week)]
    return [(above + 1.0) / (below + 1.0) for above, below in ratios]


def _of_the_terminal(columns: dict[str, Any]) -> list[Any]:
    """Frauds of each window, and their share of few payments drawn to the usual; (n,) each."""
    made = []
    for days in _DAYS:
        count = columns[f"terminal_count_{days}d"]
        frauds = tf.round(columns[f"terminal_risk_{days}d"] * count)
        made += [frauds, (frauds + _MORE_FRAUDS) / (count + _MORE_PAYMENTS)]
    return made
