"""The bars of the issue, as ratios within one run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

_MIB = 1 << 20


@dataclass(frozen=True)
class Bar:
    """One bar: what was measured, and what it should be at least or at most.

    Attributes:
        text: what is held against what.
        measured: the ratio, milliseconds or MB.
        bound: the bar.
        at_least: whether the bound is a lower one.
    """

    text: str
    measured: float
    bound: float
    at_least: bool

    @property
    def met(self) -> bool:
        """Whether the bar is met."""
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound


_RATIOS = (
    ("score_exactly_once", "handwritten_unguarded_1", 1.3),
    ("score_exactly_once", "handwritten_durable", 2.0),
    ("score_exactly_once", "documented_async", 100.0),
    ("score_exactly_once", "jvm_pass_through", 0.35),
    ("score_exactly_once_200k", "score_exactly_once", 0.7),
    ("score_labels_exactly_once", "score_exactly_once", 0.6),
    ("score_every_label_exactly_once", "score_exactly_once", 0.6),
)


def rate_bars(rates: Mapping[str, Sequence[float]]) -> list[Bar]:
    """The bars on rates of which both sides were measured: medians of the ratios of their turns.

    What a machine does slowly, both sides of a turn have alike.

    >>> ours, theirs = "score_exactly_once", "handwritten_unguarded_1"
    >>> bar, = rate_bars({ours: [26.0, 20.0, 44.0], theirs: [13.0, 16.0, 11.0]})
    >>> bar.measured, bar.met
    (2.0, True)

    Args:
        rates: records/s of each turn, by contestant.
    """
    found = []
    for ours, theirs, bound in _RATIOS:
        turns = zip(rates.get(ours, ()), rates.get(theirs, ()), strict=False)
        ratios = [one / other for one, other in turns if other]
        if ratios:
            found.append(Bar(f"{ours} / {theirs}", median(ratios), bound, at_least=True))
    return found


def latency_bar(p99_ms: float) -> Bar:
    """The bar on latency at 5,000 records/s, at-least-once."""
    return Bar("p99 append to append at 5,000/s, at-least-once, ms", p99_ms, 250.0, at_least=False)


def memory_bar(worker_bytes: int, bare_bytes: int) -> Bar:
    """The bar on what a worker needs beyond a bare one."""
    more = (worker_bytes - bare_bytes) / _MIB
    return Bar("worker memory beyond a bare one, MiB", more, 60.0, at_least=False)
