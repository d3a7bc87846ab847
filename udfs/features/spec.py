"""The names, order and definition of a model's inputs, and the hash that binds them."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from udfs.errors import UseCaseError
from udfs.features.fold import Fold


@dataclass(frozen=True)
class FeatureSpec:
    """What a model is fed: feature names in order, the folds behind them and a revision.

    `folds` are over the entity key, `second` over the second one, to which labels go as well.
    Raise `revision` whenever the meaning of a feature changes while its name stays.

    >>> spec = FeatureSpec(("amount",), (), revision=1)
    >>> len(spec.hash), spec.hash == FeatureSpec(("amount",), (), revision=2).hash
    (16, False)
    """

    names: tuple[str, ...]
    folds: tuple[Fold, ...]
    revision: int = 1
    second: tuple[Fold, ...] = ()

    def __post_init__(self) -> None:
        """Refuses features and folds that cannot be told apart.

        Raises:
            UseCaseError: one of the three is no tuple, or two features or folds have one name.
        """
        for what in ("names", "folds", "second"):
            if not isinstance(value := getattr(self, what), tuple):
                raise UseCaseError(
                    f"{what} of a FeatureSpec is {value!r}; it is a tuple, with a comma also "
                    "behind a single entry"
                )
        _require_distinct("features", self.names)
        _require_distinct("folds", [fold.name for fold in (*self.folds, *self.second)])

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits that change with any part of the definition."""
        parts: dict[str, Any] = asdict(self)
        parts["kinds"] = [type(fold).__name__ for fold in (*self.folds, *self.second)]
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _require_distinct(what: str, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UseCaseError(
            f"two {what} of a FeatureSpec are called {twice[0]!r}; give each a name of its own"
        )
