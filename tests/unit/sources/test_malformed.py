"""Each malformed kind is refused by the clean stage, for the reason it states."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from millrace.sources.malformed import KINDS, Kind, Malformed
from millrace.sources.records import RawRecord, encoded
from udfs.errors import ConfigurationError
from udfs.functions.blocks import RawBlock
from udfs.functions.clean import Clean
from udfs.functions.slices import Slices
from udfs.records import DeadLetter, Reason
from udfs.use_cases.fraud import FRAUD
from udfs.use_cases.fraud_records import Transaction

TIME_MS = 1_700_000_000_000


def good_records(count: int) -> list[RawRecord]:
    transactions = (Transaction(n, n % 50, 3, 1_250, TIME_MS + n) for n in range(count))
    return list(encoded(FRAUD, transactions))


def cleaned(records: list[RawRecord]) -> list[DeadLetter]:
    n = len(records)
    raw = RawBlock(
        offsets=np.arange(n),
        timestamps_ms=np.array([record.timestamp_ms for record in records]),
        partitions=np.zeros(n, dtype=np.int32),
        keys=Slices.of([record.key for record in records]),
        values=Slices.of([record.value for record in records]),
    )
    return Clean(FRAUD, "fraud.raw", max_clock_skew_ms=60_000)(raw).dead_letters


def test_good_records_are_not_refused() -> None:
    assert cleaned(good_records(100)) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_is_refused_for_its_reason_with_its_bytes(kind: Kind) -> None:
    [good] = good_records(1)
    spoilt = Malformed(FRAUD, share=1.0, seed=0).of(good, kind)
    [letter] = cleaned([spoilt])
    found = (letter.reason, letter.key, letter.value, letter.kafka_timestamp_ms)
    assert found == (kind.reason, spoilt.key, spoilt.value, TIME_MS)


def test_kinds_cover_every_reason_of_a_record_under_names_of_their_own() -> None:
    # Whether model and rule have an answer is no question of the record's form, nor are
    # labels and duplicates.
    others = {Reason.NO_ANSWER, Reason.LABEL_UNMATCHED, Reason.DUPLICATE}
    assert {kind.reason for kind in KINDS} == set(Reason) - others
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 20


def test_a_share_is_spoilt_and_all_are_counted() -> None:
    records = good_records(20_000)
    malformed = Malformed(FRAUD, share=0.02, seed=5)
    reasons = Counter(letter.reason for letter in cleaned(list(malformed.among(records))))
    of_kind = {kind.name: kind.reason for kind in KINDS}
    stated: Counter[Reason] = Counter()
    for name, count in malformed.counts.items():
        stated[of_kind[name]] += count
    assert reasons == stated
    assert 300 < reasons.total() < 500
    assert set(malformed.counts) == set(of_kind)


def test_the_same_seed_spoils_the_same_records() -> None:
    records = good_records(2_000)

    def spoilt(seed: int) -> list[RawRecord]:
        return list(Malformed(FRAUD, share=0.1, seed=seed).among(records))

    assert spoilt(1) == spoilt(1)
    assert spoilt(1) != spoilt(2)


def test_without_a_share_records_pass_as_they_are() -> None:
    records = good_records(1_000)
    assert list(Malformed(FRAUD, share=0.0, seed=1).among(records)) == records


def test_huge_records_stay_below_a_megabyte_and_are_rare() -> None:
    records = good_records(600)
    spoilt = Malformed(FRAUD, share=1.0, seed=1).among(records)
    sizes = [len(record.value or b"") for record in islice(spoilt, 600)]
    assert 980_000 < max(sizes) < 1_000_000
    assert sum(size > 500_000 for size in sizes) == 1


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_an_impossible_share_is_refused(share: float) -> None:
    with pytest.raises(ConfigurationError, match="between 0 and 1"):
        Malformed(FRAUD, share, seed=1)
