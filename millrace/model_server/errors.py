"""Errors that end a request, and the one that ends the loading of a version."""

import grpc

from udfs.errors import MillraceError

_MAX_MESSAGE = 1024
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class RequestError(MillraceError):
    """A request ends with a gRPC status.

    Attributes:
        code: the status.
        message: its message, cut as TensorFlow Serving cuts it.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        cut = message[:_MAX_MESSAGE] + "...TRUNCATED" if len(message) > _MAX_MESSAGE else message
        self.message = cut

    @classmethod
    def of_runtime(cls, code: int, message: str) -> "RequestError":
        """The error for a status of TensorFlow's runtime, whose numbers are gRPC's."""
        return cls(_CODES.get(code, grpc.StatusCode.UNKNOWN), message)


class LoadError(MillraceError):
    """A model version cannot be loaded.

    Attributes:
        code: gRPC status number, as GetModelStatus reports it.
        message: why, in the runtime's words.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> RequestError:
    """An INVALID_ARGUMENT."""
    return RequestError(grpc.StatusCode.INVALID_ARGUMENT, message)
