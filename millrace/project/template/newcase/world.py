"""The record and a generator of labelled traffic, until there is traffic of your own."""

from collections.abc import Iterator
from itertools import count as count_from
from itertools import islice
from typing import Annotated

import msgspec
import numpy as np

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

Id = Annotated[int, msgspec.Meta(ge=0, le=2**53)]

_UNUSUAL_SHARE = 0.02
_EVENTS_A_DAY = 2.5
# As many at any rate, so that live traffic meets habits that history has shown.
_LIVE_ENTITIES = 2_000


class Event(msgspec.Struct, frozen=True, gc=False):
    """One raw record, as JSON in Kafka; amounts are integer cents, times UTC milliseconds."""

    event_id: Id
    entity_id: Id
    amount_cents: Annotated[int, msgspec.Meta(ge=0, le=10**12)]
    event_time_ms: Annotated[int, msgspec.Meta(ge=0, le=2**53)]


def generate(seed: int, start_ms: int, count: int, span_ms: int) -> Iterator[tuple[Event, bool]]:
    """`count` events with labels, spread over the span, in event-time order.

    There are as many entities as act two or three times a day each.
    """
    gap_ms = span_ms / max(count, 1)
    entities = max(round(DAY_MS / gap_ms / _EVENTS_A_DAY), 1)
    return islice(_events(seed, start_ms, gap_ms, entities), count)


def live(seed: int, start_ms: int, rate: float) -> Iterator[tuple[Event, bool]]:
    """Events from `start_ms` on, `rate` a second; the sender holds each back until it is due."""
    return _events(seed, start_ms, 1_000 / rate, _LIVE_ENTITIES)


def _events(seed: int, start_ms: int, gap_ms: float, entities: int) -> Iterator[tuple[Event, bool]]:
    """Events without end, one in every `gap_ms`; unusual ones are 3 to 8 times the habit."""
    random = np.random.default_rng([seed, start_ms])
    for number in count_from():
        time_ms = int(start_ms + (number + random.random()) * gap_ms)
        entity = int(random.integers(entities))
        unusual = bool(random.random() < _UNUSUAL_SHARE)
        factor = random.uniform(3.0, 8.0) if unusual else random.lognormal(0.0, 0.4)
        amount_cents = int(_habit_cents(entity) * factor)
        yield Event(100 * start_ms + number, entity, amount_cents, time_ms), unusual


def _habit_cents(entity: int) -> int:
    """What an entity usually spends: between 10 and 100 currency units."""
    return 1_000 + entity * 7_919 % 9_000
