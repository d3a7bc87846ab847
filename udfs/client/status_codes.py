"""Every gRPC status as a failure: its reason, whether a retry helps, whether the breaker counts."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import grpc

from udfs.client.outcomes import Failure, FailureReason

_R = FailureReason
_C = grpc.StatusCode


class Meaning(NamedTuple):
    """What a status says.

    Attributes:
        reason: the class of the failure.
        retryable: another attempt can help.
        counts: the endpoint is in trouble, as far as the circuit breaker is concerned.
    """

    reason: FailureReason
    retryable: bool = False
    counts: bool = False


MEANINGS: Final[Mapping[grpc.StatusCode, Meaning]] = MappingProxyType(
    {
        # A call that failed with OK contradicts itself.
        _C.OK: Meaning(_R.INTERNAL),
        # Servers answer CANCELLED while they shut down. What we cancel ourselves is no status.
        _C.CANCELLED: Meaning(_R.CANCELLED, retryable=True, counts=True),
        _C.UNKNOWN: Meaning(_R.INTERNAL),
        _C.INVALID_ARGUMENT: Meaning(_R.INVALID_REQUEST),
        # The deadline is the call's whole time; nothing is left for another attempt.
        _C.DEADLINE_EXCEEDED: Meaning(_R.DEADLINE, counts=True),
        # One model or version is missing; others of the same server may answer.
        _C.NOT_FOUND: Meaning(_R.NOT_FOUND),
        _C.ALREADY_EXISTS: Meaning(_R.INTERNAL),
        _C.PERMISSION_DENIED: Meaning(_R.NOT_PERMITTED),
        # A full queue is a server at work: to stop calling it would waste what it can do.
        _C.RESOURCE_EXHAUSTED: Meaning(_R.OVERLOADED, retryable=True),
        # An unknown signature, or a label that no version carries.
        _C.FAILED_PRECONDITION: Meaning(_R.INVALID_REQUEST),
        _C.ABORTED: Meaning(_R.INTERNAL),
        _C.OUT_OF_RANGE: Meaning(_R.INVALID_REQUEST),
        _C.UNIMPLEMENTED: Meaning(_R.NOT_A_MODEL_SERVER),
        _C.INTERNAL: Meaning(_R.INTERNAL),
        _C.UNAVAILABLE: Meaning(_R.UNAVAILABLE, retryable=True, counts=True),
        _C.DATA_LOSS: Meaning(_R.BAD_REPLY),
        _C.UNAUTHENTICATED: Meaning(_R.NOT_PERMITTED),
    }
)
"""What each status means, as far as its code alone says it."""

BY_DETAILS: Final[tuple[tuple[grpc.StatusCode, str, Meaning], ...]] = (
    # gRPC reports its message limits as exhaustion; waiting does not make a message smaller.
    (
        _C.RESOURCE_EXHAUSTED,
        "CLIENT: Received message larger than max",
        Meaning(_R.REPLY_TOO_LARGE),
    ),
    (_C.RESOURCE_EXHAUSTED, "message larger than max", Meaning(_R.INVALID_REQUEST)),
    # TensorFlow Serving, batching_util/shared_batch_scheduler.h: the server is there, and busy.
    (_C.UNAVAILABLE, "batch scheduling queue", Meaning(_R.OVERLOADED, retryable=True)),
    # A certificate does not get better by trying again.
    (_C.UNAVAILABLE, "SSL_ERROR", Meaning(_R.NOT_TRUSTED, counts=True)),
    (_C.UNAVAILABLE, "Ssl handshake failed", Meaning(_R.NOT_TRUSTED, counts=True)),
    (_C.UNAVAILABLE, "Peer name", Meaning(_R.NOT_TRUSTED, counts=True)),
)
"""What the text of a status adds; the first that fits counts."""


def failure(target: str, code: grpc.StatusCode, details: str) -> Failure:
    """What a call that ended with `code` and `details` at `target` means.

    >>> failure("localhost:8500", grpc.StatusCode.UNAVAILABLE, "refused").reason.value
    'unavailable'
    """
    meaning = MEANINGS[code]
    for of_code, text, refined in BY_DETAILS:
        if code is of_code and text in details:
            meaning = refined
            break
    return Failure(
        meaning.reason, f"{target}: {details or code.name}", meaning.retryable, meaning.counts
    )
