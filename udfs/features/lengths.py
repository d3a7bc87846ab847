"""Lengths of windows, as folds declare them."""

from itertools import pairwise

from udfs.errors import UseCaseError


def require_windows(fold: str, windows_ms: object) -> None:
    """Returns when the windows are a tuple of whole milliseconds above 0, in ascending order.

    >>> require_windows("card", (3_600_000, 86_400_000))

    Raises:
        UseCaseError: they are not.
    """
    if not isinstance(windows_ms, tuple) or not all(
        isinstance(length, int) and length > 0 for length in windows_ms
    ):
        raise UseCaseError(
            f"windows_ms of fold {fold!r} is {windows_ms!r}; it is a tuple of lengths in whole "
            "milliseconds, such as (3_600_000, 86_400_000)"
        )
    if not windows_ms or any(a >= b for a, b in pairwise(windows_ms)):
        raise UseCaseError(
            f"windows_ms of fold {fold!r} is {windows_ms!r}; there is at least one, and each is "
            "longer than the one before it"
        )
