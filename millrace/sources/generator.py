"""The built-in source: what a use case's generator makes, as history or live."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from udfs.errors import ConfigurationError
from udfs.use_cases.contract import Label, UseCase


def now_ms() -> int:
    """The wall clock in UTC milliseconds."""
    return time.time_ns() // 1_000_000


def past(
    use_case: UseCase, *, seed: int, count: int, span: timedelta, end_ms: int
) -> Iterator[tuple[Any, Label]]:
    """`count` records with labels, in event-time order, over the span that ends at `end_ms`.

    Raises:
        ConfigurationError: count, seed or span cannot be met.

    >>> from udfs.use_cases.fraud import FRAUD
    >>> made = past(FRAUD, seed=1, count=3, span=timedelta(hours=1), end_ms=3_600_000)
    >>> all(record.event_time_ms < 3_600_000 for record, _ in made)
    True
    """
    span_ms = span // timedelta(milliseconds=1)
    if seed < 0 or count < 0 or not 0 < span_ms <= end_ms:
        raise ConfigurationError(
            f"a history of {count} records over {span} with seed {seed} cannot be made: "
            "count and seed start at 0, and the span ends now and is longer than 0"
        )
    return use_case.generate(seed, end_ms - span_ms, count, span_ms)


def before(
    use_case: UseCase, *, seed: int, rate: float, start_ms: int
) -> Iterator[tuple[Any, Label]]:
    """What the entities of `live` of the same arguments did earlier; often nothing.

    Raises:
        ConfigurationError: the rate or the seed cannot be met.
    """
    _require(seed, rate)
    return iter(()) if use_case.before is None else use_case.before(seed, start_ms, rate)


def live(
    use_case: UseCase, *, seed: int, rate: float, start_ms: int
) -> Iterator[tuple[Any, Label]]:
    """Records with labels without end, whose event times go on from `start_ms` at `rate` a second.

    Raises:
        ConfigurationError: the rate or the seed cannot be met.
    """
    _require(seed, rate)
    return use_case.live(seed, start_ms, rate)


def _require(seed: int, rate: float) -> None:
    if seed < 0 or not rate > 0:
        raise ConfigurationError(
            f"live traffic needs a rate above 0 and a seed of at least 0, not {rate} and {seed}"
        )
