"""Limits find the best rate of simulated servers, in simulated time."""

import heapq
import random
from dataclasses import dataclass, replace
from itertools import product

import pytest

from udfs.client.limits import AdaptiveLimits, Limits, Search

OBJECTIVE_S = 0.05
ENDED_S = 60.0
SEARCH = Search(OBJECTIVE_S)


@dataclass(frozen=True)
class Server:
    """Takes so many calls at once, others wait; a call costs a fixed time and a time a row.

    It costs more by a share, `slows`, for each other call that is worked on.
    """

    call_s: float
    row_s: float
    at_once: int
    noise: float = 0.1
    slows: float = 0.0

    def rate(self, limits: Limits) -> float:
        """Rows a second, without noise."""
        return min(limits.calls, self.at_once) * limits.rows / self.work_s(limits)

    def latency_s(self, limits: Limits) -> float:
        """Of a call, without noise."""
        return max(1.0, limits.calls / self.at_once) * self.work_s(limits)

    def work_s(self, limits: Limits) -> float:
        """Of a call once it is worked on."""
        others = min(limits.calls, self.at_once) - 1
        return (1 + self.slows * others) * (self.call_s + self.row_s * limits.rows)

    def best(self) -> float:
        """The best rate within nine tenths of the objective, on a grid."""
        grid = product((2**n for n in range(15)), (1, 2, 3, 4, 6, 8, 12, 16))
        fitting = (Limits(*at) for at in grid if self.latency_s(Limits(*at)) < 0.9 * OBJECTIVE_S)
        return max(self.rate(limits) for limits in fitting)


SERVERS = {
    "calls cost": Server(0.002, 1e-6, 2),
    "rows cost": Server(0.0005, 100e-6, 2),
    "many at once": Server(0.01, 20e-6, 8),
    "one at once": Server(0.003, 10e-6, 1),
    "calls slow each other": Server(0.0005, 38e-6, 2, noise=0.35, slows=0.15),
}


@dataclass
class Found:
    """What calls of the second half of a time gave."""

    rows_s: float = 0.0
    calls: int = 0
    late: int = 0


def simulated(server: Server, limits: AdaptiveLimits, seconds: float, seed: int = 1) -> Found:
    """Lets the search run, always with more rows to send.

    Now and then the machine does something else for nearly as long as the objective.
    """
    draw = random.Random(seed)
    free = [0.0] * server.at_once
    flying: list[tuple[float, int, float, Limits]] = []
    now_s, number, away_s = 0.0, 0, 1.0
    found = Found()
    while now_s < seconds:
        while len(flying) < limits.now.calls:
            begin = max(now_s, heapq.heappop(free))
            end = begin + server.work_s(limits.now) * (1 + server.noise * draw.uniform(-1, 1))
            if begin > away_s:
                end += 0.8 * OBJECTIVE_S
                away_s = begin + draw.expovariate(0.5)
            heapq.heappush(free, end)
            number += 1
            heapq.heappush(flying, (end, number, now_s, limits.now))
        now_s, _, began_s, of = heapq.heappop(flying)
        limits.ended(of.rows, now_s - began_s, now_s, ok=True, limits=of)
        if now_s > seconds / 2:
            found.rows_s += of.rows / (seconds / 2)
            found.calls += 1
            found.late += now_s - began_s > OBJECTIVE_S
    return found


FIRSTS = {
    "usual": Limits(512, 2),
    "least": Limits(1, 1),
    "too much": Limits(16_384, 16),
    "few large": Limits(1331, 1),
    "many small": Limits(16, 64),
}


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
@pytest.mark.parametrize("first", FIRSTS.values(), ids=FIRSTS)
def test_search_finds_most_of_the_best_rate_within_the_objective(
    server: Server, first: Limits
) -> None:
    for seed in range(4):
        limits = AdaptiveLimits(replace(SEARCH, first=first))
        found = simulated(server, limits, ENDED_S, seed)
        assert found.rows_s >= 0.8 * server.best(), (seed, limits.now)
        assert found.late <= 0.1 * found.calls, (seed, limits.now)


def test_limits_follow_a_server_that_gets_slower() -> None:
    limits = AdaptiveLimits(SEARCH)
    fast, slow = Server(0.001, 5e-6, 2), Server(0.001, 200e-6, 2)
    assert simulated(fast, limits, ENDED_S).rows_s >= 0.8 * fast.best()
    found = simulated(slow, limits, ENDED_S)
    assert found.rows_s >= 0.8 * slow.best()
    assert found.late <= 0.1 * found.calls


def window(limits: AdaptiveLimits, begin_s: float, *, takes_s: float, ok: bool = True) -> None:
    """Calls enough for a decision."""
    now = limits.now
    for number in range(100):
        if limits.now is now:
            limits.ended(now.rows, takes_s, begin_s + 0.01 * number, ok=ok, limits=now)


def test_full_server_makes_limits_fall() -> None:
    limits = AdaptiveLimits(SEARCH)
    window(limits, 0.0, takes_s=0.001, ok=False)
    assert limits.now == Limits(512, 1)


def test_caller_with_too_little_to_send_changes_nothing() -> None:
    limits = AdaptiveLimits(SEARCH)
    for number in range(100):
        limits.idle()
        limits.ended(10, 0.001, 0.05 * number, ok=True, limits=limits.now)
    assert limits.now == SEARCH.first


def test_limits_stay_within_their_bounds() -> None:
    bounds = replace(SEARCH, least=Limits(256, 2), most=Limits(1024, 3), first=Limits(512, 2))
    for server in SERVERS.values():
        limits = AdaptiveLimits(bounds)
        simulated(server, limits, 20.0)
        assert 256 <= limits.now.rows <= 1024
        assert 2 <= limits.now.calls <= 3
