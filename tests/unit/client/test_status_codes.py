"""Every gRPC status has its meaning."""

import grpc
import pytest

from udfs.client.outcomes import Failure, FailureReason
from udfs.client.status_codes import MEANINGS, failure

EXPECTED = {
    "OK": ("internal", False, False),
    "CANCELLED": ("cancelled", True, True),
    "UNKNOWN": ("internal", False, False),
    "INVALID_ARGUMENT": ("invalid_request", False, False),
    "DEADLINE_EXCEEDED": ("deadline", False, True),
    "NOT_FOUND": ("not_found", False, False),
    "ALREADY_EXISTS": ("internal", False, False),
    "PERMISSION_DENIED": ("not_permitted", False, False),
    "RESOURCE_EXHAUSTED": ("overloaded", True, False),
    "FAILED_PRECONDITION": ("invalid_request", False, False),
    "ABORTED": ("internal", False, False),
    "OUT_OF_RANGE": ("invalid_request", False, False),
    "UNIMPLEMENTED": ("not_a_model_server", False, False),
    "INTERNAL": ("internal", False, False),
    "UNAVAILABLE": ("unavailable", True, True),
    "DATA_LOSS": ("bad_reply", False, False),
    "UNAUTHENTICATED": ("not_permitted", False, False),
}
"""Reason, whether a retry can help, whether the breaker counts it."""


def test_no_status_is_left_out() -> None:
    assert set(MEANINGS) == set(grpc.StatusCode)


@pytest.mark.parametrize("code", list(grpc.StatusCode), ids=lambda code: str(code.name))
def test_status_becomes_its_failure(code: grpc.StatusCode) -> None:
    reason, retryable, counts = EXPECTED[code.name]
    expected = Failure(FailureReason(reason), "host:1: why", retryable, counts)
    assert failure("host:1", code, "why") == expected


@pytest.mark.parametrize(
    ("code", "details", "expected"),
    [
        pytest.param(
            "RESOURCE_EXHAUSTED",
            "CLIENT: Received message larger than max (405 vs. 100)",
            ("reply_too_large", False, False),
            id="our limit",
        ),
        pytest.param(
            "RESOURCE_EXHAUSTED",
            "SERVER: Received message larger than max (405 vs. 100)",
            ("invalid_request", False, False),
            id="the server's limit",
        ),
        pytest.param(
            "UNAVAILABLE",
            "The batch scheduling queue to which this task was submitted is full",
            ("overloaded", True, False),
            id="full queue",
        ),
        pytest.param(
            "UNAVAILABLE",
            "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Ssl "
            "handshake failed: SSL_ERROR_SSL: CERTIFICATE_VERIFY_FAILED",
            ("not_trusted", False, True),
            id="certificate",
        ),
    ],
)
def test_text_of_a_status_refines_its_code(
    code: str, details: str, expected: tuple[str, bool, bool]
) -> None:
    found = failure("host:1", grpc.StatusCode[code], details)
    assert (found.reason.value, found.retryable, found.counts) == expected


def test_status_without_details_is_named() -> None:
    assert failure("host:1", grpc.StatusCode.ABORTED, "").message == "host:1: ABORTED"
