"""Ranges of source offsets, as a command line gives them: by offsets or by times."""

import re
from collections.abc import Callable

from millrace.archive.stages import Stages
from millrace.kafka.topics import RAW
from udfs.errors import ConfigurationError

_PLACES = re.compile(r"\d+:\d+(,\d+:\d+)*")
# No time begins like this: the first colon of one stands behind a whole date.
_ALMOST_PLACES = re.compile(r"\s*\d+:")

TimeOf = Callable[[str, str], int]
"""Reads the time that an option gives: its text and its name to UTC milliseconds."""

SourceRange = tuple[dict[int, int], dict[int, int]]
"""Start and end by partition; the same partitions in both, the end not included."""


def source_range(
    stages: Stages, begin: str | None, finish: str | None, time_of: TimeOf
) -> SourceRange:
    """The range of the raw topic that two options give.

    Args:
        stages: where the raw records are.
        begin: `--from`: a time, or offsets as in `0:500,1:700`; None: the oldest ones.
        finish: `--to`, not included: likewise; None: the newest ones.
        time_of: reads a time of an option.

    Raises:
        ConfigurationError: an option is neither, or names a partition that there is not, or the
            range ends before it begins.
    """
    first, end = stages.first(RAW), stages.end(RAW)
    start = _bound(stages, begin, "--from", first, time_of)
    stop = _bound(stages, finish, "--to", end, time_of)
    for option, text, bound in (("--from", begin, start), ("--to", finish, stop)):
        for partition in bound:
            if partition not in end:
                raise ConfigurationError(
                    f"{option} is {text!r}, but there is no partition {partition}; "
                    f"partitions are {', '.join(map(str, sorted(end)))}"
                )
    both = sorted(start.keys() & stop.keys())
    if begin and finish and any(start[p] > stop[p] for p in both):
        raise ConfigurationError(
            f"--from is {begin!r} and --to is {finish!r}: the range ends before it begins"
        )
    return (
        {p: max(start[p], first.get(p, 0)) for p in both},
        {p: min(stop[p], end[p]) for p in both},
    )


def _bound(
    stages: Stages, text: str | None, option: str, default: dict[int, int], time_of: TimeOf
) -> dict[int, int]:
    if text is None:
        return default
    if _PLACES.fullmatch(text):
        pairs = (place.split(":") for place in text.split(","))
        return {int(partition): int(offset) for partition, offset in pairs}
    if _ALMOST_PLACES.match(text):
        raise ConfigurationError(f"{option} is {text!r}; offsets look like 0:500,1:700")
    return stages.at(RAW, time_of(text, option))
