"""Every gRPC status as a failure reason."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import grpc

from udfs.client.outcomes import Failure, FailureReason

_R = FailureReason
_C = grpc.StatusCode

REASONS: Final[Mapping[grpc.StatusCode, tuple[FailureReason, bool]]] = MappingProxyType(
    {
        # A call that failed with OK contradicts itself.
        _C.OK: (_R.INTERNAL, False),
        # Servers answer CANCELLED while they shut down: another attempt can help.
        _C.CANCELLED: (_R.CANCELLED, True),
        _C.UNKNOWN: (_R.INTERNAL, False),
        _C.INVALID_ARGUMENT: (_R.INVALID_REQUEST, False),
        # The deadline is the call's whole budget; nothing is left for another attempt.
        _C.DEADLINE_EXCEEDED: (_R.DEADLINE, False),
        _C.NOT_FOUND: (_R.NOT_FOUND, False),
        _C.ALREADY_EXISTS: (_R.INTERNAL, False),
        _C.PERMISSION_DENIED: (_R.NOT_PERMITTED, False),
        _C.RESOURCE_EXHAUSTED: (_R.OVERLOADED, True),
        # An unknown signature, or a label that no version carries.
        _C.FAILED_PRECONDITION: (_R.INVALID_REQUEST, False),
        _C.ABORTED: (_R.UNAVAILABLE, True),
        _C.OUT_OF_RANGE: (_R.INVALID_REQUEST, False),
        _C.UNIMPLEMENTED: (_R.NOT_A_MODEL_SERVER, False),
        _C.INTERNAL: (_R.INTERNAL, False),
        _C.UNAVAILABLE: (_R.UNAVAILABLE, True),
        _C.DATA_LOSS: (_R.BAD_REPLY, False),
        _C.UNAUTHENTICATED: (_R.NOT_PERMITTED, False),
    }
)
"""Failure reason and whether a retry can help, by status code."""

_REPLY_TOO_LARGE = "CLIENT: Received message larger than max"
_REQUEST_TOO_LARGE = "message larger than max"


def failure(target: str, code: grpc.StatusCode, details: str) -> Failure:
    """What a call that ended with `code` and `details` at `target` means.

    >>> failure("localhost:8500", grpc.StatusCode.UNAVAILABLE, "refused").reason.value
    'unavailable'
    """
    reason, retryable = REASONS[code]
    if code is _C.RESOURCE_EXHAUSTED and _REQUEST_TOO_LARGE in details:
        # gRPC reports its message limits as exhaustion; waiting does not make a message smaller.
        reply = details.startswith(_REPLY_TOO_LARGE)
        reason, retryable = (_R.BAD_REPLY if reply else _R.INVALID_REQUEST), False
    return Failure(reason, f"{target}: {details or code.name}", retryable)
