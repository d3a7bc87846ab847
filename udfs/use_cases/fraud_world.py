"""A world of card holders and terminals that makes transactions, some of them fraud.

Customers and terminals lie on a plane; a customer buys at terminals within reach, by an own
rate, mean amount and spread. Fraud comes in three scenarios, after the idea of the Fraud
Detection Handbook's simulator (chapter 3): a large amount; a terminal that is compromised for
four weeks, when all its payments are fraud; a customer whose card data leaked for two weeks,
when a third of the payments are fraud, at a multiple of the amount.

All habits and all compromises follow from the seed and the UTC day alone. So `generate` and
`live` of one seed tell of the same people, and customer 17 has the same habits in a world of
5,000 and of 50,000, though other terminals around.

Features stay in distribution when each customer keeps buying about twice a day. `generate`
keeps that by fitting the number of customers to count and span. `live` cannot (200 a second
are 17 million a day), so it spreads its rate over many customers (`World.for_rate`): one of
them buys about every four minutes, and for the first hour or so that looks like a busy day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import count as count_from

import numpy as np
from numpy.typing import NDArray

from udfs.use_cases.fraud_plane import Plane
from udfs.use_cases.fraud_records import Transaction

_DAY_MS = 86_400_000
_IDS_PER_MS = 100
_LIVE_BLOCK = 1_024

_PURCHASES_PER_DAY = 2.0
_TERMINALS_PER_CUSTOMER = 2
_SECONDS_BETWEEN_LIVE_PURCHASES = 250
_MOST_CUSTOMERS = 200_000

HONEST, LARGE_AMOUNT, COMPROMISED_TERMINAL, COMPROMISED_CUSTOMER = range(4)

_LARGEST_HONEST_CENTS = 22_000
_LARGEST_CENTS = 80_000
_LARGE_SHARE = 0.0007
_TERMINAL_SHARE_PER_DAY = 0.0002
_TERMINAL_DAYS = 28
_CUSTOMER_SHARE_PER_DAY = 0.0006
_CUSTOMER_DAYS = 14
_STOLEN_SHARE = 1 / 3
_STOLEN_FACTOR = 5

# The first number of every random stream, so that no two streams are the same.
_HABITS, _PLANE, _TERMINALS, _CUSTOMERS, _HISTORY, _LIVE = range(6)

# Purchases by hour of the day: quiet nights, a peak at noon and one after work.
_HOURS = (2, 1, 1, 1, 1, 2, 4, 8, 12, 15, 17, 20, 22, 20, 17, 16, 17, 20, 21, 18, 13, 9, 6, 4)
_RHYTHM = np.concatenate([[0.0], np.cumsum(_HOURS) / sum(_HOURS)])


@dataclass(frozen=True)
class Purchases:
    """A block of n transactions in event-time order; every array has shape (n,) and is int64.

    `scenario` is HONEST, LARGE_AMOUNT, COMPROMISED_TERMINAL or COMPROMISED_CUSTOMER.
    """

    transaction_id: NDArray[np.int64]
    customer_id: NDArray[np.int64]
    terminal_id: NDArray[np.int64]
    amount_cents: NDArray[np.int64]
    event_time_ms: NDArray[np.int64]
    scenario: NDArray[np.int64]

    def records(self) -> Iterator[tuple[Transaction, bool]]:
        """Each transaction with its label, True for fraud."""
        columns = (
            self.transaction_id,
            self.customer_id,
            self.terminal_id,
            self.amount_cents,
            self.event_time_ms,
        )
        transactions = map(Transaction, *(column.tolist() for column in columns))
        return zip(transactions, (self.scenario != HONEST).tolist(), strict=True)


@dataclass(frozen=True)
class World:
    """The people and places of one seed.

    >>> World.fitting(seed=1, count=1_000_000, span_ms=100 * 86_400_000)
    World(seed=1, customers=5000, terminals=10000)
    """

    seed: int
    customers: int = 5_000
    terminals: int = 10_000

    @classmethod
    def of(cls, seed: int, customers: int) -> "World":
        """A world with the usual number of terminals for its customers."""
        return cls(seed, customers, _TERMINALS_PER_CUSTOMER * customers)

    @classmethod
    def fitting(cls, seed: int, count: int, span_ms: int) -> "World":
        """A world where `count` transactions over the span are two a customer and day."""
        if span_ms <= 0:
            raise ValueError(f"a history needs a positive span, not {span_ms} ms")
        customers = round(count / (_PURCHASES_PER_DAY * span_ms / _DAY_MS))
        return cls.of(seed, max(min(customers, count, _MOST_CUSTOMERS), 100))

    @classmethod
    def for_rate(cls, seed: int, rate: float) -> "World":
        """A world for live traffic of `rate` transactions a second."""
        customers = round(rate * _SECONDS_BETWEEN_LIVE_PURCHASES)
        return cls.of(seed, min(max(customers, 1_000), _MOST_CUSTOMERS))

    @cached_property
    def habits(self) -> NDArray[np.float64]:
        """Mean amount in cents, spread (deviation / mean), purchases a day; (customers, 3)."""
        draws = np.random.default_rng([_HABITS, self.seed]).random((self.customers, 3))
        lowest = np.array([500.0, 0.3, 0.0])
        highest = np.array([10_000.0, 0.7, 2 * _PURCHASES_PER_DAY])
        habits: NDArray[np.float64] = lowest + draws * (highest - lowest)
        return habits

    @cached_property
    def busyness(self) -> NDArray[np.float64]:
        """Each customer's share of all purchases, summed up; (customers,)."""
        total: NDArray[np.float64] = np.cumsum(self.habits[:, 2])
        total /= total[-1]
        return total

    @cached_property
    def plane(self) -> Plane:
        """Where customers live and terminals stand."""
        rng = np.random.default_rng([_PLANE, self.seed])
        return Plane.of(rng.random((self.customers, 2)), rng.random((self.terminals, 2)))

    def compromised_terminals(self, day: int) -> NDArray[np.bool_]:
        """Which terminals are compromised on a UTC day since 1970; (terminals,)."""
        share, days = _TERMINAL_SHARE_PER_DAY, _TERMINAL_DAYS
        return _compromised((_TERMINALS, self.seed), self.terminals, share, days, day)

    def compromised_customers(self, day: int) -> NDArray[np.bool_]:
        """Which customers' card data is in wrong hands on a UTC day; (customers,)."""
        share, days = _CUSTOMER_SHARE_PER_DAY, _CUSTOMER_DAYS
        return _compromised((_CUSTOMERS, self.seed), self.customers, share, days, day)

    def purchases(
        self, rng: np.random.Generator, times: NDArray[np.int64], first_id: int
    ) -> Purchases:
        """What is bought at `times` (n,), ascending; compromises are those of the first day."""
        n, day = len(times), int(times[0]) // _DAY_MS
        customer = np.searchsorted(self.busyness, rng.random(n), side="right")
        mean, spread = self.habits[customer, 0], self.habits[customer, 1]
        amount = mean * spread**2 * rng.gamma(spread**-2.0)
        amount = np.where(amount > _LARGEST_HONEST_CENTS, mean, amount)
        terminal = self.plane.terminals(customer, rng.random(n))

        stolen = self.compromised_customers(day)[customer] & (rng.random(n) < _STOLEN_SHARE)
        large = rng.random(n) < _LARGE_SHARE
        amount = np.where(stolen, _STOLEN_FACTOR * amount, amount)
        amount = np.where(large, rng.uniform(_LARGEST_HONEST_CENTS, _LARGEST_CENTS, n), amount)
        scenario = np.select(
            [large, stolen, self.compromised_terminals(day)[terminal]],
            [LARGE_AMOUNT, COMPROMISED_CUSTOMER, COMPROMISED_TERMINAL],
            default=HONEST,
        )
        cents = np.ceil(amount).astype(np.int64)  # never zero
        ids = first_id + np.arange(n)
        return Purchases(ids, customer, terminal, cents, times, scenario.astype(np.int64))


@lru_cache(maxsize=256)
def _struck(stream: tuple[int, int], population: int, share: float, day: int) -> NDArray[np.int64]:
    """Members whose compromise begins on the day."""
    draws = np.random.default_rng([*stream, day]).random(population)
    return np.flatnonzero(draws < share)


def _compromised(
    stream: tuple[int, int], population: int, share: float, days: int, day: int
) -> NDArray[np.bool_]:
    members = np.zeros(population, dtype=np.bool_)
    for start in range(max(day - days + 1, 0), day + 1):
        members[_struck(stream, population, share, start)] = True
    return members


def history(world: World, start_ms: int, count: int, span_ms: int) -> Iterator[Purchases]:
    """Exactly `count` transactions in [start_ms, start_ms + span_ms), a block a UTC day.

    Transaction ids count up from `100 * start_ms`: histories and live runs that start at other
    times have other ids.
    """
    if count < 0 or span_ms <= 0 or start_ms < 0:
        raise ValueError("a history needs start and count of at least 0 and a positive span")
    days = range(start_ms // _DAY_MS, (start_ms + span_ms - 1) // _DAY_MS + 1)
    edges = np.clip(np.arange(days.start, days.stop + 1) * _DAY_MS, start_ms, start_ms + span_ms)
    passed = edges // _DAY_MS + np.interp(edges % _DAY_MS * 24 / _DAY_MS, range(25), _RHYTHM)
    shares = (passed - passed[0]) / (passed[-1] - passed[0])
    sold = np.round(count * shares).astype(np.int64)
    for place, day in enumerate(days):
        n = int(sold[place + 1] - sold[place])
        if n:
            rng = np.random.default_rng([_HISTORY, world.seed, day])
            quantiles = np.sort(rng.uniform(passed[place] - day, passed[place + 1] - day, n))
            hours = np.interp(quantiles, _RHYTHM, range(25))
            times = day * _DAY_MS + (hours * (_DAY_MS / 24)).astype(np.int64)
            times = np.clip(times, start_ms, start_ms + span_ms - 1)
            yield world.purchases(rng, times, _IDS_PER_MS * start_ms + int(sold[place]))


def live(
    seed: int, start_ms: int, rate: float, *, customers: int | None = None
) -> Iterator[tuple[Transaction, bool]]:
    """Transactions without end from `start_ms` on, `rate` a second on average, with labels.

    Without `customers` the world has as many as the rate needs (`World.for_rate`). Nothing
    waits here: who sends them holds each back until its event time is now.
    """
    world = World.for_rate(seed, rate) if customers is None else World.of(seed, customers)
    rng = np.random.default_rng([_LIVE, seed, start_ms])
    now = float(start_ms)
    for block in count_from():
        times = now + np.cumsum(rng.exponential(1000.0 / rate, _LIVE_BLOCK))
        now = float(times[-1])
        first_id = _IDS_PER_MS * start_ms + block * _LIVE_BLOCK
        yield from world.purchases(rng, times.astype(np.int64), first_id).records()


def generate(
    seed: int, start_ms: int, count: int, span_ms: int, *, customers: int | None = None
) -> Iterator[tuple[Transaction, bool]]:
    """`count` transactions with labels in event-time order, spread over the span.

    Without `customers` the world has as many as make two purchases a day each.

    >>> sum(1 for _ in generate(seed=1, start_ms=0, count=1_000, span_ms=3_600_000))
    1000
    """
    fitting = World.fitting(seed, count, span_ms)
    world = fitting if customers is None else World.of(seed, customers)
    for block in history(world, start_ms, count, span_ms):
        yield from block.records()
