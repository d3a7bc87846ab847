"""Durations of a use case in the unit of event time."""

from datetime import timedelta


def milliseconds(duration: timedelta) -> int:
    """Whole milliseconds.

    >>> milliseconds(timedelta(hours=1))
    3600000
    """
    return duration // timedelta(milliseconds=1)
