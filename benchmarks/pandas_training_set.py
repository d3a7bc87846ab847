"""The same training set by pandas, the way it is usually written: groupby and rolling windows.

The terminal's windows end a label delay before the transaction, so each is a longer window less
the window of the delay, as in the Fraud Detection Handbook, chapter 3.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from millrace.archive import Archive, read
from udfs.use_cases.fraud import FRAUD

_WINDOWS = (1, 7, 30)
_DELAY = 7


def training_set(root: Path) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Transaction ids (n,) and features (n, 15) of all archived transactions, in their order."""
    archive = Archive(root, FRAUD.name)
    frame = pd.DataFrame(_values(archive, "raw"))
    labels = pd.DataFrame(_values(archive, "labels"))
    frame = frame.merge(labels[["transaction_id", "label"]], on="transaction_id")
    frame["time"] = pd.to_datetime(frame["event_time_ms"], unit="ms")
    frame = frame.sort_values("time", kind="stable").reset_index(drop=True)
    frame["amount"] = frame["amount_cents"] / 100
    features = {
        "amount": frame["amount"],
        "weekend": frame["time"].dt.weekday >= 5,  # noqa: PLR2004
        "night": frame["time"].dt.hour <= 6,  # noqa: PLR2004
        **_customer(frame),
        **_terminal(frame),
    }
    columns = [np.asarray(features[name], np.float64) for name in FRAUD.spec.names]
    return frame["transaction_id"].to_numpy(np.int64), np.column_stack(columns)


def _values(archive: Archive, stage: str) -> Iterator[dict[str, int]]:
    for batch in read(archive, stage, columns=["value"]):
        yield from map(json.loads, batch.column("value").to_pylist())


def _customer(frame: pd.DataFrame) -> dict[str, pd.Series]:
    found = {}
    for days in _WINDOWS:
        windows = frame.groupby("customer_id").rolling(f"{days}D", on="time")["amount"]
        found[f"customer_count_{days}d"] = _aligned(windows.count())
        found[f"customer_mean_amount_{days}d"] = _aligned(windows.mean())
    return found


def _terminal(frame: pd.DataFrame) -> dict[str, pd.Series]:
    def sums(days: int) -> tuple[pd.Series, pd.Series]:
        windows = frame.groupby("terminal_id").rolling(f"{days}D", on="time")["label"]
        return _aligned(windows.count()), _aligned(windows.sum())

    count_delay, frauds_delay = sums(_DELAY)
    found = {}
    for days in _WINDOWS:
        count, frauds = sums(_DELAY + days)
        count, frauds = count - count_delay, frauds - frauds_delay
        found[f"terminal_count_{days}d"] = count
        found[f"terminal_risk_{days}d"] = (frauds / count).fillna(0)
    return found


def _aligned(grouped: pd.Series) -> pd.Series:
    """A result by group and row, back in the order of the rows."""
    return grouped.reset_index(level=0, drop=True).sort_index()
