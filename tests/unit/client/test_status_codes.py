"""Every gRPC status has a failure reason."""

import grpc
import pytest

from udfs.client.outcomes import Failure, FailureReason
from udfs.client.status_codes import REASONS, failure

EXPECTED = {
    "OK": ("internal", False),
    "CANCELLED": ("cancelled", True),
    "UNKNOWN": ("internal", False),
    "INVALID_ARGUMENT": ("invalid_request", False),
    "DEADLINE_EXCEEDED": ("deadline", False),
    "NOT_FOUND": ("not_found", False),
    "ALREADY_EXISTS": ("internal", False),
    "PERMISSION_DENIED": ("not_permitted", False),
    "RESOURCE_EXHAUSTED": ("overloaded", True),
    "FAILED_PRECONDITION": ("invalid_request", False),
    "ABORTED": ("unavailable", True),
    "OUT_OF_RANGE": ("invalid_request", False),
    "UNIMPLEMENTED": ("not_a_model_server", False),
    "INTERNAL": ("internal", False),
    "UNAVAILABLE": ("unavailable", True),
    "DATA_LOSS": ("bad_reply", False),
    "UNAUTHENTICATED": ("not_permitted", False),
}


def test_no_status_is_left_out() -> None:
    assert set(REASONS) == set(grpc.StatusCode)


@pytest.mark.parametrize("code", list(grpc.StatusCode), ids=lambda code: str(code.name))
def test_status_becomes_its_failure(code: grpc.StatusCode) -> None:
    reason, retryable = EXPECTED[code.name]
    assert failure("host:1", code, "why") == Failure(
        FailureReason(reason), "host:1: why", retryable
    )


def test_status_without_details_is_named() -> None:
    assert failure("host:1", grpc.StatusCode.ABORTED, "").message == "host:1: ABORTED"
