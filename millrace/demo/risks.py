"""How risky each second entity key is, as the newest feature rows tell it."""

import heapq
import time
from dataclasses import dataclass, replace
from threading import Lock

import msgspec

from millrace.demo.stories import Watched
from udfs.use_cases.contract import UseCase

_AMONG = 4


class Row(msgspec.Struct, frozen=True):
    """The parts of a feature row that are looked at; see `udfs.records.FeatureRow`."""

    second_key: int
    event_time_ms: int
    features: list[float]


@dataclass(frozen=True)
class Risk:
    """What was last known of a key.

    Attributes:
        key: the second entity key.
        risk: share of positives in the window.
        count: records in the window.
        before: the share before it last changed in live traffic; None while it never did.
        moved_s: when it did, in seconds since the command.
    """

    key: int
    risk: float
    count: int
    before: float | None = None
    moved_s: float = 0.0

    @property
    def positives(self) -> int:
        """Records in the window whose label is positive."""
        return round(self.risk * self.count)


class Risks:
    """The newest risk of every key; one thread fills it, another one looks.

    Args:
        watched: which features tell it.
        use_case: whose feature rows they are.
        started: monotonic time of the command.

    Attributes:
        live_from_ms: event time at which live traffic begins.
    """

    def __init__(self, watched: Watched, use_case: UseCase, started: float) -> None:
        self.live_from_ms = 0
        names = use_case.spec.names
        self._risk, self._count = names.index(watched.risk), names.index(watched.count)
        self._least, self._started = watched.least, started
        self._lock = Lock()
        self._of: dict[int, Risk] = {}

    def take(self, row: Row) -> None:
        """Takes a feature row."""
        risk, count = row.features[self._risk], int(row.features[self._count])
        with self._lock:
            last = self._of.get(row.second_key)
            if last is None or row.event_time_ms < self.live_from_ms:
                self._of[row.second_key] = Risk(row.second_key, risk, count)
            elif last.risk == risk:
                self._of[row.second_key] = replace(last, count=count)
            else:
                now = time.monotonic() - self._started
                self._of[row.second_key] = Risk(row.second_key, risk, count, last.risk, now)

    def riskiest(self, number: int) -> list[Risk]:
        """Of the keys of the highest risks with enough records, those that moved last."""
        with self._lock:
            # Above 1 while a history is replayed: partitions are days apart then, and a label may
            # have come when its record's neighbours have not.
            enough = [r for r in self._of.values() if 0 < r.risk <= 1 and r.count >= self._least]
        high = heapq.nlargest(_AMONG * number, enough, key=lambda risk: (risk.risk, risk.count))
        return heapq.nlargest(number, high, key=lambda risk: (risk.moved_s, risk.risk, risk.count))
