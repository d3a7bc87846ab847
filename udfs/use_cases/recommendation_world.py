"""A shop whose visitors click from item to item, by tastes that drift.

Items stand on a ring in each category. From one item a visitor goes on to its accessories (the
next items on the ring, near ones more often), to something popular of the category, back to an
item of the session, or to another category. Tastes drift: which items of a category are popular
moves on by the day, and so does the category that a visitor likes best.

Visitors take turns, so one comes back only when all others have been there: never while an
earlier session may still run. `generate` and `live` of one seed tell of the same shop.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.features.sessions import NO_ITEM
from udfs.use_cases.recommendation_records import Click

Ints = NDArray[np.int64]

_DAY_MS = 86_400_000
_IDS_PER_MS = 100
_FIRST_ITEM = 10_000

_CATEGORIES = 60
_ITEMS_A_CATEGORY = 40
_CLICKS_A_SESSION = 5.0
_LONGEST_SESSION = 30
_MS_BETWEEN_CLICKS = 30_000
_LONGEST_PAUSE_MS = 600_000
_DAYS_BETWEEN_SESSIONS = 3
_LIVE_BETWEEN_SESSIONS_MS = 3 * 3_600_000
_LIVE_BLOCK = 512
_WARM_UP_MS = 3_600_000

# What a click leads to: an accessory, something popular, an item of the session; else the next
# category.
_ACCESSORY, _POPULAR, _AGAIN = np.cumsum([0.55, 0.15, 0.2])
_STEPS_ON = 4
_FAVOURITE = 0.7
_DAYS_A_TASTE = 10
_DAYS_A_FASHION = 2

# The first number of every random stream, so that no two streams are the same.
_HISTORY, _LIVE = range(2)


@dataclass(frozen=True)
class Clicks:
    """A block of n clicks; every array has shape (n,) and is int64.

    `label` is the item of the session's next click, `NO_ITEM` after its last one.
    """

    visitor_id: Ints
    item_id: Ints
    event_time_ms: Ints
    label: Ints

    def at(self, places: Ints | slice | NDArray[np.bool_]) -> "Clicks":
        """Some of the clicks."""
        columns = (self.visitor_id, self.item_id, self.event_time_ms, self.label)
        return Clicks(*(column[places] for column in columns))

    def and_then(self, later: "Clicks") -> "Clicks":
        """These clicks and others, in order of time."""
        pairs = zip(
            (self.visitor_id, self.item_id, self.event_time_ms, self.label),
            (later.visitor_id, later.item_id, later.event_time_ms, later.label),
            strict=True,
        )
        both = Clicks(*(np.concatenate(pair) for pair in pairs))
        return both.at(np.argsort(both.event_time_ms, kind="stable"))

    def records(self, first_id: int) -> Iterator[tuple[Click, int]]:
        """Each click with its label; ids count up from `first_id`."""
        ids = range(first_id, first_id + len(self.label))
        columns = (self.visitor_id, self.item_id, self.event_time_ms)
        clicks = map(Click, ids, *(column.tolist() for column in columns))
        return zip(clicks, self.label.tolist(), strict=True)


NOTHING = Clicks(*(np.zeros(0, np.int64) for _ in range(4)))


def sessions(
    rng: np.random.Generator, starts_ms: Ints, lengths: Ints, visitors: Ints, seed: int
) -> Clicks:
    """All clicks of s sessions, in order of time.

    Args:
        rng: what they do by chance.
        starts_ms: their first clicks, (s,).
        lengths: how many clicks each has, (s,).
        visitors: whose they are, (s,).
        seed: of the shop.
    """
    width = int(lengths.max(initial=1))
    items = np.empty((len(starts_ms), width + 1), np.int64)
    day = starts_ms // _DAY_MS
    category = _taste(rng, visitors, day, seed)
    items[:, 0] = _item(category, _popular(rng, category, day, seed))
    for step in range(1, width + 1):
        items[:, step] = _next(rng, items[:, :step], day, seed)
    pauses = np.minimum(rng.exponential(_MS_BETWEEN_CLICKS, items.shape), _LONGEST_PAUSE_MS)
    pauses[:, 0] = 0
    times = starts_ms[:, None] + np.cumsum(pauses, axis=1).astype(np.int64)
    inside = np.arange(width) < lengths[:, None]
    last = np.arange(width) == lengths[:, None] - 1
    following = np.where(last, NO_ITEM, items[:, 1:])
    visitor = np.broadcast_to(visitors[:, None], inside.shape)
    every = Clicks(visitor[inside], items[:, :-1][inside], times[:, :-1][inside], following[inside])
    return NOTHING.and_then(every)


def _taste(rng: np.random.Generator, visitors: Ints, day: Ints, seed: int) -> Ints:
    """The category that each session begins with: mostly the one its visitor likes now."""
    favourite = _mixed(visitors, seed) % _CATEGORIES + day // _DAYS_A_TASTE
    any_one = rng.integers(0, _CATEGORIES, len(visitors))
    liked: Ints = np.where(rng.random(len(visitors)) < _FAVOURITE, favourite, any_one)
    return liked % _CATEGORIES


def _popular(rng: np.random.Generator, category: Ints, day: Ints, seed: int) -> Ints:
    """Places on the ring of a category: few are in fashion, and others a few days later."""
    place = np.minimum(rng.geometric(0.12, len(category)) - 1, _ITEMS_A_CATEGORY - 1)
    moved: Ints = place + day // _DAYS_A_FASHION + _mixed(category, seed)
    return moved % _ITEMS_A_CATEGORY


def _next(rng: np.random.Generator, before: Ints, day: Ints, seed: int) -> Ints:
    """The item after those of each session, (s, step)."""
    n, step = before.shape
    place, draw = before[:, -1] - _FIRST_ITEM, rng.random(n)
    category, on_ring = np.divmod(place, _ITEMS_A_CATEGORY)
    steps = np.minimum(rng.geometric(0.5, n), _STEPS_ON)
    accessory = _item(category, (on_ring + steps) % _ITEMS_A_CATEGORY)
    popular = _item(category, _popular(rng, category, day, seed))
    again = before[np.arange(n), rng.integers(0, step, n)]
    other = (category + 1) % _CATEGORIES
    elsewhere = _item(other, _popular(rng, other, day, seed))
    ways = [draw < _ACCESSORY, draw < _POPULAR, draw < _AGAIN]
    found: Ints = np.select(ways, [accessory, popular, again], elsewhere)
    return found


def _item(category: Ints, place: Ints) -> Ints:
    return _FIRST_ITEM + category * _ITEMS_A_CATEGORY + place


def _mixed(numbers: Ints, seed: int) -> Ints:
    """A number from 0 on for each number, spread evenly by a multiplicative hash."""
    mixed = (numbers.astype(np.uint64) + np.uint64(seed)) * np.uint64(0x9E3779B97F4A7C15)
    return (mixed >> np.uint64(33)).astype(np.int64)


def _lengths(rng: np.random.Generator, count: int) -> Ints:
    drawn: Ints = np.minimum(rng.geometric(1 / _CLICKS_A_SESSION, count), _LONGEST_SESSION)
    return drawn


def _fitting(rng: np.random.Generator, count: int) -> Ints:
    """Lengths of sessions that have `count` clicks together."""
    lengths = _lengths(rng, int(count / _CLICKS_A_SESSION * 1.5) + 100)
    total = np.cumsum(lengths)
    enough = int(np.searchsorted(total, count))
    lengths = lengths[: enough + 1]
    lengths[-1] -= total[enough] - count
    return lengths


def generate(seed: int, start_ms: int, count: int, span_ms: int) -> Iterator[tuple[Click, int]]:
    """`count` clicks with the item of each next one, in event-time order, spread over the span.

    A session that would go on past the end of the span ends there all at once.

    >>> sum(1 for _ in generate(seed=1, start_ms=0, count=1_000, span_ms=3_600_000))
    1000
    """
    if count < 0 or span_ms <= 0 or start_ms < 0:
        raise ValueError("a history needs start and count of at least 0 and a positive span")
    if not count:
        return
    rng = np.random.default_rng([_HISTORY, seed, start_ms])
    lengths = _fitting(rng, count)
    starts = np.sort(rng.integers(start_ms, start_ms + span_ms, len(lengths)))
    days = max(span_ms / _DAY_MS / _DAYS_BETWEEN_SESSIONS, 1.0)
    turns = max(int(len(lengths) / days), 1)
    first, ahead = _IDS_PER_MS * start_ms, NOTHING
    for at in _by_day(starts):
        visitors = np.arange(at.start, at.stop) % turns
        made = sessions(rng, starts[at], lengths[at], visitors, seed)
        ahead = ahead.and_then(made)
        last = at.stop == len(starts)
        until = start_ms + span_ms if last else int(starts[at.stop])
        over = np.minimum(ahead.event_time_ms, start_ms + span_ms - 1)
        ahead = Clicks(ahead.visitor_id, ahead.item_id, over, ahead.label)
        due = ahead.event_time_ms < until
        yield from ahead.at(due).records(first)
        first, ahead = first + int(due.sum()), ahead.at(~due)


def _by_day(starts_ms: Ints) -> Iterator[slice]:
    """Sessions that begin on one UTC day."""
    cuts = np.flatnonzero(np.diff(starts_ms // _DAY_MS, prepend=-1))
    for begin, end in zip(cuts.tolist(), [*cuts[1:].tolist(), len(starts_ms)], strict=True):
        yield slice(begin, end)


def live(seed: int, start_ms: int, rate: float) -> Iterator[tuple[Click, int]]:
    """Clicks without end from `start_ms` on, `rate` a second on average, with labels.

    Some sessions are under way at the start. Nothing waits here: who sends the clicks holds each
    back until its event time is now.
    """
    rng = np.random.default_rng([_LIVE, seed, start_ms])
    between_ms = 1000.0 * _CLICKS_A_SESSION / rate
    turns = max(int(_LIVE_BETWEEN_SESSIONS_MS / between_ms), 1)
    now, begun = float(max(start_ms - _WARM_UP_MS, 0)), 0
    first, ahead = _IDS_PER_MS * start_ms, NOTHING
    while True:
        starts = now + np.cumsum(rng.exponential(between_ms, _LIVE_BLOCK))
        now = float(starts[-1])
        visitors = (begun + np.arange(_LIVE_BLOCK)) % turns
        begun += _LIVE_BLOCK
        lengths = _lengths(rng, _LIVE_BLOCK)
        made = sessions(rng, starts.astype(np.int64), lengths, visitors, seed)
        ahead = ahead.and_then(made)
        due = ahead.event_time_ms < int(now)
        told = ahead.at(due & (ahead.event_time_ms >= start_ms))
        yield from told.records(first)
        first, ahead = first + len(told.label), ahead.at(~due)
