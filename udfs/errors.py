"""The exception tree of Millrace.

MillraceError
├── ConfigurationError      a setting, flag or file is wrong; retrying cannot help
│   └── UseCaseError        a use case does not keep its contract
├── EnvironmentFault        this machine lacks something (JDK, Maven, a port)
├── UnavailableError        a broker, cluster or server does not answer now; retrying can help
└── DataError               input that was handed over is not what it claims to be

Commands print the message of any of these as one sentence and exit with `exit_status`.
Records never raise through a job: a record that cannot be used becomes a dead letter.
"""

from typing import ClassVar


class MillraceError(Exception):
    """The root of every error that Millrace raises on purpose."""

    retryable: ClassVar[bool] = False
    exit_status: ClassVar[int] = 1


class ConfigurationError(MillraceError):
    """A setting, flag or file is wrong; the message names it and the remedy."""

    exit_status: ClassVar[int] = 2


class UseCaseError(ConfigurationError):
    """A use case is unknown or does not keep its contract."""


class EnvironmentFault(MillraceError):
    """This machine lacks something that the command needs; the message says how to get it."""

    exit_status: ClassVar[int] = 3


class UnavailableError(MillraceError):
    """A broker, cluster or model server does not answer now."""

    retryable: ClassVar[bool] = True
    exit_status: ClassVar[int] = 4


class DataError(MillraceError):
    """Input that was handed over is not what it claims to be."""

    exit_status: ClassVar[int] = 5
