"""How a long computation tells how far it is."""

from typing import Protocol


class OnProgress(Protocol):
    """Called now and then: what is done in `step` so far, and out of how much if known."""

    def __call__(self, step: str, done: int, total: int | None) -> None:
        """Takes the news."""


def silent(step: str, done: int, total: int | None) -> None:
    """Tells nobody."""
