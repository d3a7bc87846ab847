"""The folds of a shard: lateness by source partition, state that comes back, spec changes."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.stores import DictStore
from udfs.errors import UseCaseError
from udfs.features.shard import Folded, ShardFolds
from udfs.features.spec import FeatureSpec
from udfs.features.windows import WindowedAggregate

LATENESS_MS = 10
SPEC = FeatureSpec(("count",), (WindowedAggregate("card", "card_id", "cents", (100, 1000)),))


def shard(store: DictStore, spec: FeatureSpec = SPEC) -> ShardFolds:
    return ShardFolds(spec, {"cents": np.dtype(np.int64)}, "time", LATENESS_MS, store)


def update(
    folds: ShardFolds, times: list[int], *, keys: int = 1, partitions: list[int] | None = None
) -> Folded:
    time = np.array(times, dtype=np.int64)
    columns = {"card_id": time % keys, "cents": time % 7, "time": time}
    return folds.update(columns, np.array(partitions or [0] * len(times), dtype=np.int32))


def everything(folded: Folded) -> NDArray[np.int64]:
    card = folded.windows["card"]
    return np.column_stack((card.count, card.total, folded.sequence, folded.late))


def test_a_record_is_late_behind_its_own_partition_only() -> None:
    folded = update(shard(DictStore()), [100, 89, 50, 90], partitions=[0, 0, 1, 0])
    assert folded.late.tolist() == [False, True, False, False]


def test_an_empty_block_gives_empty_values_and_keeps_the_state() -> None:
    store = DictStore()
    folds = shard(store)
    update(folds, [100])
    before = dict(store)
    assert (everything(update(folds, [])).shape, dict(store)) == ((0, 6), before)


@pytest.mark.parametrize("cut", [1, 500, 2999])
def test_a_restored_shard_goes_on_as_the_one_that_never_stopped(cut: int) -> None:
    draw = np.random.default_rng(cut)
    times = (np.arange(3000) * 3 + draw.integers(0, 40, 3000)).tolist()
    partitions = draw.integers(0, 3, 3000).tolist()
    store = DictStore()
    whole = everything(update(shard(DictStore()), times, keys=9, partitions=partitions))
    update(shard(store), times[:cut], keys=9, partitions=partitions[:cut])
    rest = update(shard(store), times[cut:], keys=9, partitions=partitions[cut:])
    assert everything(rest).tolist() == whole[cut:].tolist()


def test_state_of_the_past_is_dropped() -> None:
    store = DictStore()
    folds = shard(store)
    for start in range(0, 100_000, 1000):
        update(folds, list(range(start, start + 1000)))
    assert len(store) < 10


def test_state_of_another_feature_spec_is_refused_with_the_way_out() -> None:
    store = DictStore()
    update(shard(store), [1])
    with pytest.raises(UseCaseError, match="start it under a new deployment name"):
        shard(store, dataclasses.replace(SPEC, revision=2))
