"""Labels as records: what the clean stage has to know of them."""

from dataclasses import replace

from udfs.errors import UseCaseError
from udfs.features.spec import FeatureSpec
from udfs.use_cases.contract import UseCase

LABEL_FIELD, LABEL_TIME = "label", "event_time_ms"


def label_case(use_case: UseCase) -> UseCase:
    """The use case of the label records, keyed by the business id.

    Raises:
        UseCaseError: the use case has no feed of labels.
    """
    if use_case.labels is None:
        raise UseCaseError(f"use case {use_case.name!r} has no feed of labels")
    return replace(
        use_case,
        record_type=use_case.labels.record_type,
        entity_key=use_case.business_id,
        event_time=LABEL_TIME,
        columns=(LABEL_FIELD,),
        spec=FeatureSpec((), ()),
        labels=None,
        duplicates=None,
    )
