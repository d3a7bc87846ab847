"""Which of the versions on disk are to be served."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest versions that load.

    >>> Latest(1).candidates([1, 3, 2])
    [3, 2, 1]
    """

    count: int = 1

    @property
    def limit(self) -> float:
        """How many versions are wanted."""
        return max(self.count, 1)

    def candidates(self, found: Iterable[int]) -> list[int]:
        """Versions in the order in which they are tried, until the limit is reached."""
        return sorted(found, reverse=True)


@dataclass(frozen=True, slots=True)
class All:
    """Every version.

    >>> All().candidates([1, 3, 2])
    [3, 2, 1]
    """

    limit: float = math.inf

    def candidates(self, found: Iterable[int]) -> list[int]:
        """Versions in the order in which they are tried."""
        return sorted(found, reverse=True)


@dataclass(frozen=True, slots=True)
class Specific:
    """Certain versions, where they are there.

    >>> Specific(frozenset({2, 9})).candidates([1, 3, 2])
    [2]
    """

    versions: frozenset[int]
    limit: float = math.inf

    def candidates(self, found: Iterable[int]) -> list[int]:
        """Versions in the order in which they are tried."""
        return sorted(self.versions.intersection(found), reverse=True)


VersionPolicy: TypeAlias = Latest | All | Specific
