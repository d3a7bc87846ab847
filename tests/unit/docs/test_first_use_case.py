"""The use case that the guide builds keeps its contract."""

import importlib.util
import re
import sys
from datetime import timedelta
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from millrace.sources.generator import live, past
from millrace.sources.records import encoded
from training.dataset import build
from training.split import split_before
from udfs.functions.blocks import RawBlock
from udfs.functions.clean import Clean
from udfs.functions.slices import Slices
from udfs.use_cases.contract import UseCase
from udfs.use_cases.find import find_use_case

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "first-use-case.md"
MODULE = "guide_use_case"
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def logins(tmp_path_factory: pytest.TempPathFactory) -> UseCase:
    """The use case, from the guide's Python blocks as one module."""
    file = tmp_path_factory.mktemp("guide") / f"{MODULE}.py"
    file.write_text("\n".join(re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)))
    spec = importlib.util.spec_from_file_location(MODULE, file)
    assert spec and spec.loader
    # Found by name later on, as an installed module is.
    sys.modules[MODULE] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[MODULE])
    return find_use_case(f"{MODULE}:LOGINS")


def test_its_live_records_pass_the_clean_stage(logins: UseCase) -> None:
    records = (record for record, _ in live(logins, seed=1, rate=50.0, start_ms=DAY_MS))
    raw = list(encoded(logins, islice(records, 500)))
    times = np.array([record.timestamp_ms for record in raw], np.int64)
    block = RawBlock(
        offsets=np.arange(500),
        timestamps_ms=times,
        partitions=np.zeros(500, np.int32),
        keys=Slices.of([record.key for record in raw]),
        values=Slices.of([record.value for record in raw]),
    )
    clean = Clean(logins, "logins.raw", max_clock_skew_ms=0)(block)
    assert (len(clean.places), clean.dead_letters) == (500, [])


def test_its_history_makes_a_data_set_that_can_be_split(logins: UseCase) -> None:
    span_days = 20
    span, end_ms = timedelta(days=span_days), (span_days + 1) * DAY_MS
    history = past(logins, seed=1, count=5_000, span=span, end_ms=end_ms)
    data = build(logins, history)
    split = split_before(
        int(data.times_ms[-1]),
        start_ms=int(data.times_ms[0]),
        label_delay=logins.label_delay,
        train_days=None,
    )
    scores, decisions = logins.rule(data.features)
    parts = [data[period.of(data)] for period in (split.train, split.validation, split.test)]
    assert data.features.shape == (5_000, len(logins.spec.names))
    dtypes = [str(array.dtype) for array in (data.features, scores, decisions)]
    assert dtypes == ["float64", "float32", "bool"]
    assert all(0 < part.labels.sum() < len(part) for part in parts)
