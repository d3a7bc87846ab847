"""Arguments that several commands take, and what they mean."""

import re
from datetime import date, datetime, timezone
from typing import Annotated, NoReturn

import typer

from udfs.errors import ConfigurationError

UseCaseName = Annotated[str, typer.Argument(help="Installed name, or module:attribute.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_PLACE = re.compile(r"(\d+):(\d+)")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def dates_between(since: str | None, until: str | None) -> tuple[date | None, date | None]:
    """The dates that `--since` and `--until` give; None where one is left out.

    >>> dates_between("2025-07-31", None)
    (datetime.date(2025, 7, 31), None)

    Raises:
        ConfigurationError: one is no date, or there is none between them.
    """
    first, last = _date_of(since, "--since"), _date_of(until, "--until")
    if first and last and first >= last:
        _refuse_order(since, until)
    return first, last


def times_between(since: str | None, until: str | None) -> tuple[int | None, int | None]:
    """The UTC milliseconds that `--since` and `--until` give; None where one is left out.

    >>> times_between(None, "1970-01-01T00:00:01")
    (None, 1000)

    Raises:
        ConfigurationError: one is no time, or there is none between them.
    """
    since_ms = None if since is None else time_ms(since, "--since")
    until_ms = None if until is None else time_ms(until, "--until")
    if since_ms is not None and until_ms is not None and since_ms >= until_ms:
        _refuse_order(since, until)
    return since_ms, until_ms


def _refuse_order(since: str | None, until: str | None) -> NoReturn:
    raise ConfigurationError(
        f"--since is {since!r} and --until is {until!r}: nothing is between them"
    )


def _date_of(text: str | None, option: str) -> date | None:
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
