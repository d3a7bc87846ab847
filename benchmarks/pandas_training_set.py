"""The same training set by pandas, in two forms that people write.

Group by group, as the Fraud Detection Handbook does: a function applied to each customer and each
terminal rolls its windows. Or grouped: `groupby(...).rolling(...)` over all groups at once. The
terminal's windows end a label delay before the transaction, so each is a longer window less the
window of the delay.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from millrace.archive import Archive, read
from udfs.use_cases.fraud import FRAUD

_WINDOWS = (1, 7, 30)
_DELAY = 7

Rolled = Callable[[pd.DataFrame, str, str, Sequence[int]], pd.DataFrame]
"""(rows, key, value, days) -> `count_N` and `sum_N` of the value over N days, a row each."""


def training_set(root: Path, *, grouped: bool) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Transaction ids (n,) and features (n, 15) of all archived transactions, in their order."""
    archive = Archive(root, FRAUD.name)
    frame = pd.DataFrame(_values(archive, "raw"))
    labels = pd.DataFrame(_values(archive, "labels"))
    frame = frame.merge(labels[["transaction_id", "label"]], on="transaction_id")
    frame["time"] = pd.to_datetime(frame["event_time_ms"], unit="ms")
    frame = frame.sort_values("time", kind="stable").reset_index(drop=True)
    frame["amount"] = frame["amount_cents"] / 100
    rolled = _grouped if grouped else _group_by_group
    features = {
        "amount": frame["amount"],
        "weekend": frame["time"].dt.weekday >= 5,  # noqa: PLR2004
        "night": frame["time"].dt.hour <= 6,  # noqa: PLR2004
        **_customer(frame, rolled),
        **_terminal(frame, rolled),
    }
    columns = [np.asarray(features[name], np.float64) for name in FRAUD.spec.names]
    return frame["transaction_id"].to_numpy(np.int64), np.column_stack(columns)


def _values(archive: Archive, stage: str) -> Iterator[dict[str, int]]:
    for batch in read(archive, stage, columns=["value"]):
        yield from map(json.loads, batch.column("value").to_pylist())


def _customer(frame: pd.DataFrame, rolled: Rolled) -> dict[str, pd.Series]:
    windows = rolled(frame, "customer_id", "amount", _WINDOWS)
    found = {}
    for days in _WINDOWS:
        found[f"customer_count_{days}d"] = windows[f"count_{days}"]
        mean = windows[f"sum_{days}"] / windows[f"count_{days}"]
        found[f"customer_mean_amount_{days}d"] = mean
    return found


def _terminal(frame: pd.DataFrame, rolled: Rolled) -> dict[str, pd.Series]:
    spans = (_DELAY, *(_DELAY + days for days in _WINDOWS))
    windows = rolled(frame, "terminal_id", "label", spans)
    found = {}
    for days in _WINDOWS:
        count = windows[f"count_{_DELAY + days}"] - windows[f"count_{_DELAY}"]
        frauds = windows[f"sum_{_DELAY + days}"] - windows[f"sum_{_DELAY}"]
        found[f"terminal_count_{days}d"] = count
        found[f"terminal_risk_{days}d"] = (frauds / count).fillna(0)
    return found


def _grouped(frame: pd.DataFrame, key: str, value: str, days: Sequence[int]) -> pd.DataFrame:
    groups = frame.groupby(key)
    # The result names a row by group and time, and times repeat: rows are told by their number.
    numbers = np.concatenate(list(groups.indices.values()))
    found = {}
    for span in days:
        windows = groups.rolling(f"{span}D", on="time")[value]
        found[f"count_{span}"] = windows.count().to_numpy()
        found[f"sum_{span}"] = windows.sum().to_numpy()
    return pd.DataFrame(found, index=numbers).sort_index()


def _group_by_group(frame: pd.DataFrame, key: str, value: str, days: Sequence[int]) -> pd.DataFrame:
    def rolled(group: pd.DataFrame) -> pd.DataFrame:
        series = group.set_index("time")[value]
        found = {}
        for span in days:
            windows = series.rolling(f"{span}D")
            found[f"count_{span}"] = windows.count().to_numpy()
            found[f"sum_{span}"] = windows.sum().to_numpy()
        return pd.DataFrame(found, index=group.index)

    groups = frame.groupby(key, group_keys=False)[["time", value]]
    return groups.apply(rolled).sort_index()
