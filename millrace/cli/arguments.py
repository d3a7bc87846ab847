"""Arguments that several commands take, and what they mean."""

import re
from datetime import date, datetime, timezone
from typing import Annotated

import typer

from udfs.errors import ConfigurationError

UseCaseName = Annotated[str, typer.Argument(help="Installed name, or module:attribute.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_PLACE = re.compile(r"(\d+):(\d+)")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def date_of(text: str | None, option: str) -> date | None:
    """The date that an option gives.

    Raises:
        ConfigurationError: it is none.
    """
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{option} is {text!r}; it is a date such as 2025-07-31"
        ) from error


def time_ms(text: str, option: str) -> int:
    """The UTC milliseconds of a date, a time or milliseconds themselves.

    >>> time_ms("2025-07-31", "--from"), time_ms("2025-07-31T12:00", "--from"), time_ms("5", "")
    (1753920000000, 1753963200000, 5)

    Raises:
        ConfigurationError: it is none of them.
    """
    if text.isdecimal():
        return int(text)
    try:
        # Python 3.10 does not know the Z of UTC.
        found = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
    except ValueError as error:
        raise ConfigurationError(
            f"{option} is {text!r}; it is a time such as 2025-07-31 or 2025-07-31T12:00, UTC"
        ) from error
    aware = found if found.tzinfo else found.replace(tzinfo=timezone.utc)
    return (aware - _EPOCH) // (_EPOCH.resolution * 1000)
