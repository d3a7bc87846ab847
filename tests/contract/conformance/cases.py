"""All cases, in the order in which they run: those that change what is served go last."""

from typing import Final

from tests.contract.conformance import (
    grpc_examples,
    grpc_models,
    grpc_predict,
    rest_errors,
    rest_examples,
    rest_models,
    rest_predict,
)
from tests.contract.conformance.case import Case

CASES: Final[list[Case]] = [
    *grpc_predict.CASES,
    *grpc_examples.CASES,
    *rest_predict.CASES,
    *rest_errors.CASES,
    *rest_examples.CASES,
    *rest_models.CASES,
    *grpc_models.CASES,
]
