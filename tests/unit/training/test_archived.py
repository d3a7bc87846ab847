"""Data sets out of archives: the features of the stream, and only what was known."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from benchmarks.handbook_archive import write_stage
from millrace.archive import Archive
from millrace.sources.records import RawRecord, encoded
from training.archived import build as archived
from training.archived.build import ArchiveSource
from training.archived.history import OFFSET, PARTITION, History
from training.archived.labels import KnownLabels
from training.dataset import Dataset, build
from udfs.errors import MillraceError
from udfs.use_cases.contract import UseCase
from udfs.use_cases.fraud import FRAUD
from udfs.use_cases.fraud_records import FraudLabel, Transaction
from udfs.use_cases.label_records import label_case

DAY_MS = 86_400_000
START_MS = 20_000 * DAY_MS
DAYS = 60
DELAY_MS = 7 * DAY_MS
AS_OF_MS = START_MS + DAYS * DAY_MS
Labelled = list[tuple[Transaction, bool]]


@pytest.fixture(scope="module")
def history() -> Labelled:
    made = FRAUD.generate(3, START_MS, 12_000, DAYS * DAY_MS)
    return [(transaction, bool(fraud)) for transaction, fraud in made]


def labels(history: Labelled) -> list[FraudLabel]:
    return [FraudLabel(t.transaction_id, f, t.event_time_ms + DELAY_MS) for t, f in history]


def raw(history: Labelled) -> list[RawRecord]:
    return list(encoded(FRAUD, [transaction for transaction, _ in history]))


def told(some: Sequence[FraudLabel]) -> list[RawRecord]:
    return list(encoded(label_case(FRAUD), some))


def source(
    root: Path,
    records: Sequence[RawRecord],
    known: Sequence[RawRecord],
    *,
    as_of_ms: int = AS_OF_MS,
    days: int | None = None,
) -> ArchiveSource:
    """An archive of what is given, each stage in the order of its Kafka timestamps."""
    archive = Archive(root, "fraud")
    for stage, rows in (("raw", records), ("labels", known)):
        write_stage(archive, stage, sorted(rows, key=lambda row: row.timestamp_ms))
    as_of = datetime.fromtimestamp(as_of_ms / 1_000, timezone.utc)
    return ArchiveSource(root, as_of, days)


def same(one: Dataset, other: Dataset) -> bool:
    """Whether two data sets hold the same rows in every bit."""
    order, theirs = np.argsort(one.business_ids), np.argsort(other.business_ids)
    return (
        one.business_ids[order].tolist() == other.business_ids[theirs].tolist()
        and one.features[order].tobytes() == other.features[theirs].tobytes()
        and one.labels[order].tobytes() == other.labels[theirs].tobytes()
    )


def test_rows_are_those_of_the_running_folds_in_every_bit(
    tmp_path: Path, history: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archived, "_CHUNK_RECORDS", 500)  # many chunks with history between
    found = source(tmp_path, raw(history), told(labels(history))).dataset(FRAUD)
    whole = build(FRAUD, history)
    assert found.labels.dtype == np.bool_
    assert same(found, whole[whole.times_ms < AS_OF_MS - DELAY_MS])


def test_only_the_days_that_are_asked_for_give_rows(tmp_path: Path, history: Labelled) -> None:
    some = source(tmp_path, raw(history), told(labels(history)), days=14)
    whole = build(FRAUD, history)
    since = AS_OF_MS - 14 * DAY_MS - 14 * DAY_MS  # silence is told up to the horizon
    kept = (whole.times_ms >= since) & (whole.times_ms < AS_OF_MS - DELAY_MS)
    assert same(some.dataset(FRAUD), whole[kept])


def _after(label: FraudLabel) -> RawRecord:
    """Dated like the others, but in Kafka a millisecond after as-of: nobody can have known."""
    return told([label])[0]._replace(timestamp_ms=AS_OF_MS + 1)


def _ahead(label: FraudLabel) -> RawRecord:
    """Its own time lies after as-of; the clock skew lets it pass."""
    late = FraudLabel(label.transaction_id, label.label, AS_OF_MS + 1)
    return told([late])[0]._replace(timestamp_ms=AS_OF_MS - 1)


@pytest.mark.parametrize("plant", [_after, _ahead], ids=["in Kafka later", "dated later"])
def test_a_label_that_was_not_known_yet_is_refused(
    tmp_path: Path, history: Labelled, plant: Callable[[FraudLabel], RawRecord]
) -> None:
    known = labels(history)
    honest = [label for label, (_, fraud) in zip(known, history, strict=True) if not fraud][5_000]
    leak = plant(FraudLabel(honest.transaction_id, True, honest.event_time_ms))
    planted = source(tmp_path / "a", raw(history), [*told(known), leak])
    clean = source(tmp_path / "b", raw(history), told(known))
    assert same(planted.dataset(FRAUD), clean.dataset(FRAUD))


def test_a_label_dated_back_counts_from_when_kafka_had_it(
    tmp_path: Path, history: Labelled
) -> None:
    known = labels(history)
    frauds = [label for label, (_, fraud) in zip(known, history, strict=True) if fraud]
    held = {label.transaction_id: label.event_time_ms + 3 * DAY_MS for label in frauds}
    late = [replaced(row, held) for row in known]
    backdated = [
        record._replace(timestamp_ms=held.get(label.transaction_id, record.timestamp_ms))
        for label, record in zip(known, told(known), strict=True)
    ]
    found = source(tmp_path / "a", raw(history), backdated).dataset(FRAUD)
    expected = source(tmp_path / "b", raw(history), told(late)).dataset(FRAUD)
    in_time = source(tmp_path / "c", raw(history), told(known)).dataset(FRAUD)
    assert same(found, expected)
    assert not same(found, in_time)


def replaced(label: FraudLabel, times: dict[int, int]) -> FraudLabel:
    time = times.get(label.transaction_id, label.event_time_ms)
    return FraudLabel(label.transaction_id, label.label, time)


def test_transactions_after_as_of_are_not_there_yet(tmp_path: Path, history: Labelled) -> None:
    early_ms = AS_OF_MS - 20 * DAY_MS
    found = source(tmp_path, raw(history), told(labels(history)), as_of_ms=early_ms).dataset(FRAUD)
    whole = build(FRAUD, [row for row in history if row[0].event_time_ms <= early_ms])
    assert same(found, whole[whole.times_ms < early_ms - DELAY_MS])


def test_days_in_which_something_is_undecided_are_left_out(
    tmp_path: Path, history: Labelled
) -> None:
    frauds = [label for label, (_, fraud) in zip(labels(history), history, strict=True) if fraud]
    found = source(tmp_path, raw(history), told(frauds)).dataset(FRAUD)
    whole = build(FRAUD, history)
    # Silence means negative 14 days after the transaction: the week before knows frauds alone.
    assert same(found, whole[whole.times_ms < AS_OF_MS - 14 * DAY_MS])


def test_what_the_clean_stage_refuses_is_left_out(tmp_path: Path, history: Labelled) -> None:
    good = raw(history)
    bad = [
        good[10]._replace(value=b"not JSON"),
        good[20]._replace(value=None),
        good[30]._replace(key=b"7"),
        good[40]._replace(value=json.dumps({"transaction_id": -1}).encode()),
    ]
    found = source(tmp_path / "a", [*good, *bad], told(labels(history))).dataset(FRAUD)
    clean = source(tmp_path / "b", good, told(labels(history))).dataset(FRAUD)
    assert same(found, clean)


def test_records_that_come_a_day_later_take_their_place_in_time(
    tmp_path: Path, history: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archived, "_CHUNK_RECORDS", 500)
    late = [
        record._replace(timestamp_ms=record.timestamp_ms + 50 * 60_000) if place % 3 else record
        for place, record in enumerate(raw(history))
    ]
    found = source(tmp_path, late, told(labels(history))).dataset(FRAUD)
    whole = build(FRAUD, history)
    assert same(found, whole[whole.times_ms < AS_OF_MS - DELAY_MS])


def test_a_chunk_that_begins_before_the_end_of_the_last_one_takes_its_places() -> None:
    times = START_MS + np.array([0, 1, 2, 3, 4, 1, 2, 5]) * DAY_MS // 2
    table = {
        "transaction_id": np.arange(8),
        "customer_id": np.zeros(8, np.int64),
        "terminal_id": np.zeros(8, np.int64),
        "amount_cents": 10 ** np.arange(8),
        "event_time_ms": times,
        PARTITION: np.zeros(8, np.int32),
        OFFSET: np.arange(8),
    }
    none = np.empty(0, np.int64)
    history = History(FRAUD, KnownLabels(none, none, none, too_late=0))
    history.update({field: column[:5] for field, column in table.items()})
    found = history.update({field: column[5:] for field, column in table.items()})["customer"]
    # Those of a day up to each record, itself included; of one time the older ones come first.
    assert found.total[:, 0].tolist() == [100_011, 1_100_110, 10_010_000]
    assert found.count[:, 0].tolist() == [3, 4, 2]


def _silent(use_case: UseCase) -> UseCase:
    return replace(use_case, labels=None)


@pytest.mark.parametrize(
    ("use_case", "as_of_ms", "message"),
    [
        (_silent(FRAUD), AS_OF_MS, "no feed of labels"),
        (FRAUD, START_MS - DAY_MS, "has no records as of"),
        (FRAUD, START_MS + DAY_MS, "no record has a label that was known"),
        (replace(FRAUD, name="other"), AS_OF_MS, "no archive of other"),
    ],
    ids=["no labels", "before all", "before labels", "no archive"],
)
def test_what_cannot_be_built_is_told(
    tmp_path: Path, history: Labelled, use_case: UseCase, as_of_ms: int, message: str
) -> None:
    some = source(tmp_path, raw(history[:3_000]), told(labels(history[:3_000])), as_of_ms=as_of_ms)
    with pytest.raises(MillraceError, match=message):
        some.dataset(use_case)


def test_a_description_says_as_of_when(tmp_path: Path) -> None:
    as_of = datetime(2018, 8, 22, tzinfo=timezone(timedelta(0)))
    assert ArchiveSource(tmp_path, as_of).description == "archive as of 2018-08-22T00:00:00Z"
