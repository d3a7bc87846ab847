"""What a measurement of quality gives."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Comparison:
    """Published rows and ours, by one protocol.

    Attributes:
        title: the protocol in a line.
        headings: of the columns; the first is of the names.
        rows: names and figures as they are shown; ours last.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Goal:
    """What a figure should be, beside the best that is published.

    Attributes:
        figure: its name in the JSON.
        title: what it is.
        bound: the goal.
        at_least: whether the bound is a lower one.
        published: whose figure is the best by the same protocol, and which.
    """

    figure: str
    title: str
    bound: float
    at_least: bool
    published: str

    def met(self, figures: Mapping[str, float | int]) -> bool:
        """Whether the figure reaches the bound.

        >>> Goal("rmse", "RMSE", 11.0, False, "").met({"rmse": 11.016})
        False
        """
        found = figures[self.figure]
        return found >= self.bound if self.at_least else found <= self.bound


@dataclass(frozen=True)
class Quality:
    """The figures of a use case.

    Attributes:
        figures: by the name under which they stand in the JSON.
        comparisons: tables for people.
        wrong: sentences on counts that are not what the protocol says; empty when all are.
        goals: what figures should be.
    """

    figures: Mapping[str, float | int]
    comparisons: Sequence[Comparison]
    wrong: Sequence[str] = field(default_factory=tuple)
    goals: Sequence[Goal] = field(default_factory=tuple)


class Measure(Protocol):
    """A function that measures a use case; `benchmarks.quality.registry` names it."""

    def __call__(self, given: Namespace) -> Quality:
        """The quality by the files under `given.data`.

        Raises:
            MillraceError: files are missing, or cannot be used.
        """
