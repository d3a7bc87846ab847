"""What a call to a model server ends as: an answer, or a failure that says what helps."""

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any, TypeAlias

from numpy.typing import NDArray


class FailureReason(str, Enum):
    """Why a call has no usable answer."""

    # No call was made, or it did not come to an end.
    CIRCUIT_OPEN = "circuit_open"
    UNAVAILABLE = "unavailable"
    DEADLINE = "deadline"
    OVERLOADED = "overloaded"
    CANCELLED = "cancelled"
    # The server said no.
    NOT_FOUND = "not_found"
    INVALID_REQUEST = "invalid_request"
    NOT_PERMITTED = "not_permitted"
    NOT_TRUSTED = "not_trusted"
    NOT_A_MODEL_SERVER = "not_a_model_server"
    INTERNAL = "internal"
    # The server answered, with something else than was asked for.
    BAD_REPLY = "bad_reply"
    REPLY_TOO_LARGE = "reply_too_large"
    WRONG_VERSION = "wrong_version"
    MISSING_OUTPUT = "missing_output"
    WRONG_DTYPE = "wrong_dtype"
    WRONG_ROWS = "wrong_rows"
    WRONG_SHAPE = "wrong_shape"
    NOT_FINITE = "not_finite"


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that has no usable answer.

    Attributes:
        reason: what went wrong, as a class.
        message: what went wrong, in one sentence that names the server.
        retryable: True when the same call may succeed later or elsewhere.
        counts: True when it says that the endpoint is in trouble: the circuit breaker counts it.
    """

    reason: FailureReason
    message: str
    retryable: bool = False
    counts: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a model answered, and which version of it did.

    Attributes:
        outputs: arrays by output name, read-only; strings are objects of type bytes.
        model_name: the model that answered.
        version: the version that answered.
        signature_name: the signature that was run.
    """

    outputs: dict[str, NDArray[Any]]
    model_name: str
    version: int
    signature_name: str


Outcome: TypeAlias = Answer | Failure


class VersionState(IntEnum):
    """Where a model version stands; numbers as on the wire."""

    UNKNOWN = 0
    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """The state of one model version; `error_code` is a gRPC status number, 0 for none."""

    version: int
    state: VersionState
    error_code: int
    error_message: str


def bad_reply(message: str, reason: FailureReason = FailureReason.BAD_REPLY) -> Failure:
    """A failure for a reply that arrived but cannot be used."""
    return Failure(reason, message)
