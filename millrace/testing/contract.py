"""What every use case keeps: one check a function, each given the use case.

The pytest plugin beside this module runs them as tests.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any

import msgspec
import numpy as np

from millrace.sources.malformed import KINDS, Malformed
from millrace.sources.records import RawRecord, encoded
from training.dataset import Dataset, build
from training.models.fitted import find_evaluate, find_fit
from training.report.run import find_sections
from udfs.functions.blocks import RawBlock
from udfs.functions.clean import Clean, CleanBlock
from udfs.functions.slices import Slices
from udfs.use_cases.contract import Label, UseCase
from udfs.use_cases.label_records import LABEL_FIELD, LABEL_TIME
from udfs.use_cases.trial import features_of_no_records

_DAY_MS = 86_400_000
_START_MS = 20_000 * _DAY_MS
_SPAN_MS = 20 * _DAY_MS

_OTHER_SEED = 2
_COUNT, _MANY, _LIVE = 2_000, 20_000, 3_000
_LIVE_RATE, _RATE_TOLERANCE = 100.0, 0.2


def _history(use_case: UseCase, count: int = _COUNT, seed: int = 1) -> list[tuple[Any, Label]]:
    return list(use_case.generate(seed, _START_MS, count, _SPAN_MS))


def _cleaned(use_case: UseCase, records: list[RawRecord]) -> CleanBlock:
    block = RawBlock(
        offsets=np.arange(len(records)),
        timestamps_ms=np.array([record.timestamp_ms for record in records], np.int64),
        partitions=np.zeros(len(records), np.int32),
        keys=Slices.of([record.key for record in records]),
        values=Slices.of([record.value for record in records]),
    )
    return Clean(use_case, f"{use_case.name}.raw", max_clock_skew_ms=0)(block)


def _data_set(use_case: UseCase) -> Dataset:
    return build(use_case, _history(use_case))


def its_name_can_name_topics(use_case: UseCase) -> None:
    """Its name can name topics."""
    name = use_case.name
    assert name.isascii() and name.isidentifier() and name == name.lower()


def history_is_whole_in_order_in_its_span_and_repeatable(use_case: UseCase) -> None:
    """History is whole in order in its span and repeatable."""
    made = _history(use_case)
    times = [getattr(record, use_case.event_time) for record, _ in made]
    assert len(made) == _COUNT
    assert times == sorted(times)
    assert _START_MS <= times[0] <= times[-1] < _START_MS + _SPAN_MS
    assert made == _history(use_case)
    assert made != _history(use_case, seed=_OTHER_SEED)


def history_has_several_labels_and_ids_of_its_own(use_case: UseCase) -> None:
    """History has several labels and ids of its own."""
    made = _history(use_case, count=_MANY)
    labels = {label for _, label in made}
    assert len(labels) > 1
    assert use_case.label_dtype != "bool" or labels == {True, False}
    assert len({getattr(record, use_case.business_id) for record, _ in made}) == len(made)


def live_traffic_goes_on_from_its_start_at_its_rate(use_case: UseCase) -> None:
    """Live traffic goes on from its start at its rate."""
    made = list(islice(use_case.live(1, _START_MS, _LIVE_RATE), _LIVE))
    times = [getattr(record, use_case.event_time) for record, _ in made]
    assert times == sorted(times)
    assert _START_MS <= times[0]
    assert abs((times[-1] - _START_MS) / (1_000 * _LIVE / _LIVE_RATE) - 1) <= _RATE_TOLERANCE


def what_went_before_live_traffic_ends_at_its_start(use_case: UseCase) -> None:
    """What went before live traffic ends at its start, and has ids of its own."""
    if use_case.before is None:
        return
    earlier = [record for record, _ in use_case.before(1, _START_MS, _LIVE_RATE)]
    live = [record for record, _ in islice(use_case.live(1, _START_MS, _LIVE_RATE), _LIVE)]
    times = [getattr(record, use_case.event_time) for record in earlier]
    ids = {getattr(record, use_case.business_id) for record in (*earlier, *live)}
    keys = [{getattr(record, use_case.entity_key) for record in part} for part in (earlier, live)]
    assert times == sorted(times)
    assert times[-1] < _START_MS
    assert len(ids) == len(earlier) + len(live)
    assert keys[0] & keys[1]


def its_records_pass_the_clean_stage(use_case: UseCase) -> None:
    """Its records pass the clean stage."""
    raw = list(encoded(use_case, (record for record, _ in _history(use_case))))
    clean = _cleaned(use_case, raw)
    assert (len(clean.places), clean.dead_letters) == (len(raw), [])


def every_kind_of_malformed_record_is_refused_for_its_reason(use_case: UseCase) -> None:
    """Every kind of malformed record is refused for its reason."""
    (record,) = encoded(use_case, [_history(use_case, count=1)[0][0]])
    spoilt = [Malformed(use_case, 1.0, seed=1).of(record, kind) for kind in KINDS]
    refused = _cleaned(use_case, spoilt).dead_letters
    assert [letter.reason for letter in refused] == [kind.reason for kind in KINDS]


def features_are_finite_rows_as_wide_as_their_names(use_case: UseCase) -> None:
    """Features are finite rows as wide as their names."""
    features = _data_set(use_case).features
    assert features.dtype in (np.dtype(np.float64), np.dtype(np.int64))
    assert features.shape == (_COUNT, len(use_case.spec.names))
    assert np.isfinite(features).all()


def folds_of_the_second_key_go_by_the_key_of_its_labels(use_case: UseCase) -> None:
    """Folds of the second key go by the key of its labels."""
    expected = set() if use_case.labels is None else {use_case.labels.entity_key}
    assert {fold.key for fold in use_case.spec.second} == expected


def labels_have_the_fields_that_the_join_reads(use_case: UseCase) -> None:
    """Labels have the fields that the join reads."""
    if use_case.labels is not None:
        fields = {f.name for f in msgspec.structs.fields(use_case.labels.record_type)}
        assert fields == {use_case.business_id, LABEL_FIELD, LABEL_TIME}


def features_of_no_records_are_no_rows(use_case: UseCase) -> None:
    """Features of no records are no rows."""
    assert features_of_no_records(use_case).shape == (0, len(use_case.spec.names))


def the_rule_gives_the_outputs_of_the_model(use_case: UseCase) -> None:
    """The rule gives the outputs of the model, within their limits."""
    features, outputs = _data_set(use_case).features, use_case.model.outputs
    for rows in (features, features[:0]):
        found = use_case.rule(rows)
        assert [(str(values.dtype), values.shape) for values in found] == [
            (output.dtype, output.shape(len(rows))) for output in outputs
        ]
        for values, output in zip(found, outputs, strict=True):
            assert output.limits is None or np.array_equal(values, np.clip(values, *output.limits))
        assert all(np.isfinite(values).all() for values in found)


def its_training_can_be_found(use_case: UseCase) -> None:
    """Its training can be found."""
    assert callable(find_fit(use_case))
    assert callable(find_evaluate(use_case))
    assert callable(find_sections(use_case))


CHECKS: tuple[Callable[[UseCase], None], ...] = (
    its_name_can_name_topics,
    history_is_whole_in_order_in_its_span_and_repeatable,
    history_has_several_labels_and_ids_of_its_own,
    live_traffic_goes_on_from_its_start_at_its_rate,
    what_went_before_live_traffic_ends_at_its_start,
    its_records_pass_the_clean_stage,
    every_kind_of_malformed_record_is_refused_for_its_reason,
    features_are_finite_rows_as_wide_as_their_names,
    folds_of_the_second_key_go_by_the_key_of_its_labels,
    labels_have_the_fields_that_the_join_reads,
    features_of_no_records_are_no_rows,
    the_rule_gives_the_outputs_of_the_model,
    its_training_can_be_found,
)
"""All of it, in the order in which it stands here."""
