"""What models of a use case are compared by."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """A figure of a use case's `evaluate` that decides between two models.

    Attributes:
        name: as `evaluate` names it.
        higher_is_better: whether more of it is better.

    >>> Measure("rmse", higher_is_better=False).loss(12.0, 10.0), Measure("p").loss(0.5, 0.4)
    (0.2, -0.25)
    """

    name: str
    higher_is_better: bool = True

    def loss(self, candidate: float, champion: float) -> float:
        """By which share of the champion's figure a candidate is worse; negative: better."""
        worse = champion - candidate if self.higher_is_better else candidate - champion
        if worse == 0.0:
            return 0.0
        return round(worse / abs(champion), 12) if champion else float("inf") * worse
