"""A deployment that fills its windows writes nothing of the past."""

import numpy as np

from tests.stores import DictStore
from tests.unit.functions.building import raw, record
from udfs.features.shard import ShardFolds
from udfs.functions.clean import Clean
from udfs.functions.feature_block import FeatureBlock
from udfs.use_cases.fraud import FRAUD_BY_CUSTOMER as CASE


def block() -> FeatureBlock:
    """Partition 3, offsets 100 to 103; 101 is a dead letter."""
    clean = Clean(CASE, "fraud.raw", 1000)(raw([record(1), (b"5", b"{", 0), record(2), record(3)]))
    folds = ShardFolds(CASE.spec, CASE.column_types, CASE.event_time, 1000, DictStore())
    folded = folds.update(clean.columns, clean.raw.partitions[clean.places])
    return FeatureBlock(clean, folded, CASE.assemble(clean.columns, folded.windows))


def test_only_records_from_the_first_offset_on_are_written() -> None:
    whole, found = block(), block().loud({3: 102})
    assert found.column("transaction_id").tolist() == [2, 3]
    assert found.source()[1] == [102, 103]
    assert found.folded.sequence.tolist() == [2, 3]
    assert np.array_equal(found.features, whole.features[1:])
    assert found.clean.dead_letters == []


def test_another_partition_is_not_concerned() -> None:
    found = block().loud({0: 10**9})
    assert (len(found.features), len(found.clean.dead_letters)) == (3, 1)
