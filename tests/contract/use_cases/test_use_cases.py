"""What every installed use case keeps; a new one is found and checked by its entry point."""

from datetime import timedelta
from itertools import islice, pairwise
from typing import Any

import msgspec
import numpy as np
import pytest

from millrace.sources.malformed import KINDS, Malformed
from millrace.sources.records import RawRecord, encoded
from training.dataset import Dataset, build
from training.models.fitted import find_evaluate, find_fit
from udfs.features.delayed import LABEL
from udfs.features.windows import WindowedAggregate
from udfs.functions.blocks import RawBlock
from udfs.functions.clean import Clean, CleanBlock
from udfs.functions.slices import Slices
from udfs.use_cases.contract import Label, UseCase
from udfs.use_cases.find import find_use_case, use_case_names
from udfs.use_cases.label_records import LABEL_FIELD, LABEL_TIME

DAY_MS = 86_400_000
START_MS = 20_000 * DAY_MS
SPAN_MS = 20 * DAY_MS

installed = pytest.mark.parametrize("name", use_case_names())


def history(use_case: UseCase, count: int = 2_000, seed: int = 1) -> list[tuple[Any, Label]]:
    return list(use_case.generate(seed, START_MS, count, SPAN_MS))


def cleaned(use_case: UseCase, records: list[RawRecord]) -> CleanBlock:
    block = RawBlock(
        offsets=np.arange(len(records)),
        timestamps_ms=np.array([record.timestamp_ms for record in records], np.int64),
        partitions=np.zeros(len(records), np.int32),
        keys=Slices.of([record.key for record in records]),
        values=Slices.of([record.value for record in records]),
    )
    return Clean(use_case, f"{use_case.name}.raw", max_clock_skew_ms=0)(block)


def data_set(use_case: UseCase) -> Dataset:
    return build(use_case, history(use_case))


@installed
def test_its_name_can_name_topics(name: str) -> None:
    use_case = find_use_case(name)
    assert use_case.name == name
    assert name.isascii() and name.isidentifier() and name == name.lower()


@installed
def test_the_fields_it_names_are_fields_of_its_record(name: str) -> None:
    use_case = find_use_case(name)
    folded = [field for fold in use_case.spec.folds for field in (fold.key, *fold.values)]
    own = [use_case.business_id, use_case.entity_key, use_case.event_time]
    known = {field.name for field in msgspec.structs.fields(use_case.record_type)}
    assert {*own, *use_case.columns, *folded} <= known
    assert use_case.record_type.__struct_config__.frozen


@installed
def test_windows_ascend_and_names_do_not_repeat(name: str) -> None:
    spec = find_use_case(name).spec
    aggregates = [fold for fold in spec.folds if isinstance(fold, WindowedAggregate)]
    assert all(a < b for fold in aggregates for a, b in pairwise(fold.windows_ms))
    assert len({fold.name for fold in spec.folds}) == len(spec.folds)
    assert len(set(spec.names)) == len(spec.names)


@installed
def test_history_is_whole_in_order_in_its_span_and_repeatable(name: str) -> None:
    use_case = find_use_case(name)
    made = history(use_case)
    times = [getattr(record, use_case.event_time) for record, _ in made]
    assert len(made) == 2_000
    assert times == sorted(times)
    assert START_MS <= times[0] <= times[-1] < START_MS + SPAN_MS
    assert made == history(use_case)
    assert made != history(use_case, seed=2)


@installed
def test_history_has_several_labels_and_ids_of_its_own(name: str) -> None:
    use_case = find_use_case(name)
    made = history(use_case, count=20_000)
    labels = {label for _, label in made}
    assert len(labels) > 1
    assert use_case.label_dtype != "bool" or labels == {True, False}
    assert len({getattr(record, use_case.business_id) for record, _ in made}) == len(made)


@installed
def test_live_traffic_goes_on_from_its_start_at_its_rate(name: str) -> None:
    use_case = find_use_case(name)
    made = list(islice(use_case.live(1, START_MS, 100.0), 3_000))
    times = [getattr(record, use_case.event_time) for record, _ in made]
    assert times == sorted(times)
    assert START_MS <= times[0]
    assert times[-1] - START_MS == pytest.approx(30_000, rel=0.2)


@installed
def test_its_records_pass_the_clean_stage(name: str) -> None:
    use_case = find_use_case(name)
    raw = list(encoded(use_case, (record for record, _ in history(use_case))))
    clean = cleaned(use_case, raw)
    assert (len(clean.places), clean.dead_letters) == (len(raw), [])


@installed
def test_every_kind_of_malformed_record_is_refused_for_its_reason(name: str) -> None:
    use_case = find_use_case(name)
    (record,) = encoded(use_case, [history(use_case, count=1)[0][0]])
    spoilt = [Malformed(use_case, 1.0, seed=1).of(record, kind) for kind in KINDS]
    refused = cleaned(use_case, spoilt).dead_letters
    assert [letter.reason for letter in refused] == [kind.reason for kind in KINDS]


@installed
def test_features_are_finite_rows_as_wide_as_their_names(name: str) -> None:
    use_case = find_use_case(name)
    features = data_set(use_case).features
    assert features.dtype in (np.dtype(np.float64), np.dtype(np.int64))
    assert features.shape == (2_000, len(use_case.spec.names))
    assert np.isfinite(features).all()


@installed
def test_folds_of_the_second_key_go_by_the_key_of_its_labels(name: str) -> None:
    use_case = find_use_case(name)
    expected = set() if use_case.labels is None else {use_case.labels.entity_key}
    assert {fold.key for fold in use_case.spec.second} == expected
    assert {fold.key for fold in use_case.spec.folds} <= {use_case.entity_key}


@installed
def test_labels_have_the_fields_that_the_join_reads(name: str) -> None:
    use_case = find_use_case(name)
    if use_case.labels is not None:
        fields = {f.name for f in msgspec.structs.fields(use_case.labels.record_type)}
        assert fields == {use_case.business_id, LABEL_FIELD, LABEL_TIME}


@installed
def test_features_of_no_records_are_no_rows(name: str) -> None:
    use_case = find_use_case(name)
    columns = cleaned(use_case, []).columns
    times = columns[use_case.event_time]
    windows = {}
    for fold in use_case.spec.folds:
        values = {field: columns[field] for field in fold.values}
        _, windows[fold.name] = fold.start(0).update(columns[fold.key], times, values, times)
    for fold in use_case.spec.second:
        _, windows[fold.name] = fold.start(0).update(times, times, {LABEL: times}, times)
    assert use_case.assemble(columns, windows).shape == (0, len(use_case.spec.names))


@installed
def test_the_rule_gives_the_outputs_of_the_model(name: str) -> None:
    use_case = find_use_case(name)
    features = data_set(use_case).features
    for rows in (features, features[:0]):
        found = use_case.rule(rows)
        assert [(str(values.dtype), values.shape) for values in found] == [
            (output.dtype, output.shape(len(rows))) for output in use_case.model.outputs
        ]
        assert all(np.isfinite(values).all() for values in found)


@installed
def test_its_training_can_be_found_and_its_times_make_sense(name: str) -> None:
    use_case = find_use_case(name)
    assert callable(find_fit(use_case))
    assert callable(find_evaluate(use_case))
    assert use_case.label_delay >= timedelta(0)
    assert use_case.allowed_lateness >= timedelta(0)
