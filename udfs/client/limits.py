"""Finds how many rows a call, and how many calls at once, give the most rows a second."""

from dataclasses import dataclass, replace
from typing import Final

_MOVES: Final = ((1, 0), (0, 1), (-1, 1), (1, -1), (-1, 0), (0, -1))
"""What is tried in turn: which way rows a call go, and which way calls in flight.

At the objective neither limit can grow alone, so one is also tried at the cost of the other.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """How calls are cut.

    Attributes:
        rows: most rows of a call.
        calls: most calls in flight.
    """

    rows: int
    calls: int


@dataclass(frozen=True, slots=True)
class Search:
    """How limits are looked for.

    Attributes:
        objective_s: nearly all calls have to be answered within this.
        first: where the search begins.
        least: no limit gets smaller.
        most: no limit gets larger.
        window_s: calls are watched for so long before anything is decided.
        window_calls: and until so many have ended.
        over: share of calls that may take longer than the objective.
        better: rates differ when they differ by more than this share.
        rest: windows without a trial after all trials failed; twice as many after the next time.
        longest_rest: no rest is longer.
    """

    objective_s: float
    first: Limits = Limits(512, 2)
    least: Limits = Limits(1, 1)
    most: Limits = Limits(65_536, 64)
    window_s: float = 0.2
    window_calls: int = 14
    over: float = 0.05
    better: float = 0.03
    rest: int = 8
    longest_rest: int = 128


class AdaptiveLimits:
    """Climbs to the highest rate under the latency objective, one step at a time.

    Calls are watched in windows. Over the objective, or when the server has no room, limits fall
    by a third or more (multiplicative decrease). Otherwise a limit is tried a step higher or
    lower, or one higher and the other lower: the step stays when the rate is better and is taken
    back when it is not. Downward steps stay too when they cost nothing, so of equal limits the
    smaller ones win: they answer sooner. When no step helps, steps get finer, and then the search
    rests for a while.

    Windows in which the caller had too little to send decide nothing, for their rate is the
    caller's; only the objective counts in them.

    Args:
        search: objective and bounds.

    Attributes:
        now: the limits to keep now.
    """

    def __init__(self, search: Search) -> None:
        self.now = search.first
        self._search = search
        self._base: Limits | None = None
        self._base_rate = 0.0
        self._move = self._failed = self._resting = 0
        self._rest = search.rest
        self._step = 2.0
        self._begin_s = 0.0
        self._calls = self._rows = self._over = 0
        self._longest_s = 0.0
        self._starved = False

    def ended(self, rows: int, seconds: float, now_s: float, *, ok: bool, limits: Limits) -> None:
        """Takes the end of a call into account.

        Args:
            rows: of the call.
            seconds: that it took.
            now_s: the time, on any clock that only grows.
            ok: False when the server had no room for it or its deadline passed.
            limits: what held when it began; calls of other limits are not looked at.
        """
        if limits is not self.now:
            return
        if not self._calls:
            # What it did in its time counts, and so does its time.
            self._begin_s = now_s - seconds
        self._calls += 1
        self._rows += rows
        self._over += not ok or seconds > self._search.objective_s
        self._longest_s = max(self._longest_s, seconds)
        # Before its end a window is lost already when more calls are late than may be in all.
        if self._over > max(1, self._search.over * max(self._calls, self._enough())):
            self._retreat()
            self._clear(now_s)
        elif now_s - self._begin_s >= self._search.window_s and self._calls >= self._enough():
            self._decide(self._rows / max(1e-9, now_s - self._begin_s))
            self._clear(now_s)

    def idle(self) -> None:
        """Says that fewer calls are in flight than might be, for want of rows."""
        self._starved = True

    def _enough(self) -> int:
        return max(self._search.window_calls, 2 * self.now.calls)

    def _clear(self, now_s: float) -> None:
        self._begin_s = now_s
        self._calls = self._rows = self._over = 0
        self._longest_s = 0.0
        self._starved = False

    def _decide(self, rate: float) -> None:
        if self._starved:
            return
        elif self._base is None:
            self._base_rate = rate
            self._try()
        elif self._is_better(rate):
            self._base, self._base_rate = None, rate
            self._failed, self._rest = 0, self._search.rest
            # The same step again; the rate that it has to beat is known.
            self._try()
        else:
            self._take_back()

    def _is_better(self, rate: float) -> bool:
        downwards = sum(_MOVES[self._move]) < 0
        better = -self._search.better / 3 if downwards else self._search.better
        return rate > self._base_rate * (1 + better)

    def _retreat(self) -> None:
        if self._base is not None:
            self._take_back()
            return
        least, now = self._search.least, self.now
        share = min(2 / 3, max(1 / 4, self._search.objective_s / self._longest_s))
        calls = max(least.calls, int(now.calls * share))
        far = share < 1 / 2
        rows = max(least.rows, int(now.rows * share)) if far or calls == now.calls else now.rows
        self.now = Limits(rows, calls)
        self._step, self._failed, self._resting = 1.3, 0, 0

    def _take_back(self) -> None:
        assert self._base is not None
        self.now, self._base = replace(self._base), None
        self._next_move()

    def _next_move(self) -> None:
        self._move = (self._move + 1) % len(_MOVES)
        self._failed += 1
        if self._failed == len(_MOVES):
            self._failed = 0
            fine = self._step < 2.0  # noqa: PLR2004 - the coarse step
            self._step = 2.0 if fine else 1.3
            if fine:
                self._resting = self._rest
                self._rest = min(self._search.longest_rest, 2 * self._rest)

    def _try(self) -> None:
        if self._resting:
            self._resting -= 1
            return
        for _ in _MOVES:
            tried = self._moved()
            if tried != self.now:
                self._base, self.now = self.now, tried
                return
            self._next_move()

    def _moved(self) -> Limits:
        rows, calls = _MOVES[self._move]
        least, most = self._search.least, self._search.most
        return Limits(
            self._stepped(self.now.rows, rows, least.rows, most.rows),
            self._stepped(self.now.calls, calls, least.calls, most.calls),
        )

    def _stepped(self, value: int, way: int, least: int, most: int) -> int:
        if way > 0:
            return min(most, max(value + 1, round(value * self._step)))
        elif way < 0:
            return max(least, min(value - 1, round(value / self._step)))
        return value
