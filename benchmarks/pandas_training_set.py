"""The same training set by pandas, in two ways that people write it.

Group by group, as the Fraud Detection Handbook does: a function is applied to each customer and
terminal and rolls its windows. Or grouped: `groupby(...).rolling(...)` over all at once. The terminal's windows end a label delay before the transaction, so each is a longer window less
the window of the delay.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from millrace.archive import Archive, read
from udfs.use_cases.fraud import FRAUD

_WINDOWS = (1, 7, 30)
_DELAY = 7

Rolled = Callable[[str, str, int], tuple[pd.Series, pd.Series]]
"""(key, value, days) -> count and sum of the value over the window, a row each."""


def training_set(root: Path, *, grouped: bool) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Transaction ids (n,) and features (n, 15) of all archived transactions, in their order."""
    archive = Archive(root, FRAUD.name)
    frame = pd.DataFrame(_values(archive, "raw"))
    labels = pd.DataFrame(_values(archive, "labels"))
    frame = frame.merge(labels[["transaction_id", "label"]], on="transaction_id")
    frame["time"] = pd.to_datetime(frame["event_time_ms"], unit="ms")
    frame = frame.sort_values("time", kind="stable").reset_index(drop=True)
    frame["amount"] = frame["amount_cents"] / 100
    rolled = _grouped(frame) if grouped else _group_by_group(frame)
    features = {
        "amount": frame["amount"],
        "weekend": frame["time"].dt.weekday >= 5,  # noqa: PLR2004
        "night": frame["time"].dt.hour <= 6,  # noqa: PLR2004
        **_customer(rolled),
        **_terminal(rolled),
    }
    columns = [np.asarray(features[name], np.float64) for name in FRAUD.spec.names]
    return frame["transaction_id"].to_numpy(np.int64), np.column_stack(columns)


def _values(archive: Archive, stage: str) -> Iterator[dict[str, int]]:
    for batch in read(archive, stage, columns=["value"]):
        yield from map(json.loads, batch.column("value").to_pylist())


def _customer(rolled: Rolled) -> dict[str, pd.Series]:
    found = {}
    for days in _WINDOWS:
        count, total = rolled("customer_id", "amount", days)
        found[f"customer_count_{days}d"] = count
        found[f"customer_mean_amount_{days}d"] = total / count
    return found


def _terminal(rolled: Rolled) -> dict[str, pd.Series]:
    count_delay, frauds_delay = rolled("terminal_id", "label", _DELAY)
    found = {}
    for days in _WINDOWS:
        count, frauds = rolled("terminal_id", "label", _DELAY + days)
        count, frauds = count - count_delay, frauds - frauds_delay
        found[f"terminal_count_{days}d"] = count
        found[f"terminal_risk_{days}d"] = (frauds / count).fillna(0)
    return found


def _grouped(frame: pd.DataFrame) -> Rolled:
    def rolled(key: str, value: str, days: int) -> tuple[pd.Series, pd.Series]:
        windows = frame.groupby(key).rolling(f"{days}D", on="time")[value]
        return _aligned(windows.count()), _aligned(windows.sum())

    return rolled


def _group_by_group(frame: pd.DataFrame) -> Rolled:
    def rolled(key: str, value: str, days: int) -> tuple[pd.Series, pd.Series]:
        counts, sums = [], []
        for _, group in frame.groupby(key):
            windows = group.set_index("time")[value].rolling(f"{days}D")
            counts.append(pd.Series(windows.count().to_numpy(), group.index))
            sums.append(pd.Series(windows.sum().to_numpy(), group.index))
        return pd.concat(counts).sort_index(), pd.concat(sums).sort_index()

    return rolled


def _aligned(grouped: pd.Series) -> pd.Series:
    """A result by group and row, back in the order of the rows."""
    return grouped.reset_index(level=0, drop=True).sort_index()
